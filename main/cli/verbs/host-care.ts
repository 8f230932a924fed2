/** Whether a host is fit for PODs, and what Zap has put on it. */
import { ZapError } from '../../../helper/protocol/errors';
import { connectHelper } from '../../helper-client/connect';
import { diagnose } from '../../helper-client/doctor';
import { executableFor, findHelperExecutable, installedPath, machineOfArch } from '../../helper-client/executable';
import { applyRemedy, remedyFor } from '../../helper-client/packages';
import { RootAccess } from '../../helper-client/root-access';
import { removeOtherVersions, uninstall } from '../../helper-client/uninstall';
import { openHost } from '../../hosts/connect';
import { LOCAL } from '../../hosts/inventory';
import { nobody } from '../../prompts/prompter';
import { SessionKeyring } from '../../secrets/keyring';
import { command } from '../command';
import type { Context } from '../context';
import { countFindings, findingLines } from '../findings';
import { formatBytes } from '../format';

export const hostCareCommands = [
  command({
    name: 'host doctor',
    summary: 'Check whether PODs can run, be checkpointed and arrive on a host',
    operands: { name: { placeholder: 'NAME', isOptional: true } },
    options: {
      fix: { kind: 'flag', help: 'install missing programs, after showing the command' },
      yes: { kind: 'flag', help: 'with --fix: do not ask' },
      alone: { kind: 'flag', help: 'do not compare it with the other hosts' },
    },
    details: 'Tries what PODs ask of the kernel, dumps and restores a probe, and compares processors, clocks and connections with all other hosts.',
    run: async ({ operands, options }, context) => {
      const name = await context.hostOr(operands.name);
      const fleet = await context.fleet();
      const others = options.alone ? [] : fleet.inventory.names.filter((other) => other !== name);
      const examine = () => diagnose(fleet, name, { signal: context.signal, others, onStep: (text) => context.output.progress(text) });
      let diagnosis = await examine();
      let installed: string[] = [];
      if (options.fix) {
        installed = await fix(context, name, diagnosis.findings, options.yes);
        if (installed.length > 0) diagnosis = await examine();
      }
      const { isFit, findings } = diagnosis;
      return {
        json: { host: name, isFit, findings, ...(options.fix ? { installed } : {}) },
        text: [...(installed.length > 0 ? [`Installed: ${installed.join(', ')}.`] : []), ...findingLines(findings), `${name} is ${isFit ? 'fit for PODs' : 'not fit for PODs yet'}${countFindings(findings)}.`].join('\n'),
        exitCode: isFit ? 0 : new ZapError('preflight/host-unfit', '').exitCode,
      };
    },
  }),
  command({
    name: 'host upgrade',
    summary: 'Bring the helper of this version to a host, and take older ones away',
    operands: { name: { placeholder: 'NAME' } },
    options: {},
    details: 'A helper of another version that still has something to finish is left alone.',
    run: async ({ operands: { name } }, context) => {
      const inventory = await context.inventory();
      if (!inventory.has(name)) inventory.get(name);
      if (name === LOCAL) throw new ZapError('host/is-local', 'On this computer the helper is started where it was built: there is nothing to upgrade.');
      const executable = await findHelperExecutable(context.distDirectory);
      const transport = await openHost(inventory, name, { ...context.surroundings, signal: context.signal });
      let isNew = false;
      const client = await connectHelper(transport, {
        host: name, executable, isLocal: false, signal: context.signal, prompter: context.surroundings.prompter, keyring: context.surroundings.keyring,
        onNote: context.surroundings.onNote,
        onInstall: (bytes, totalBytes) => {
          isNew = true;
          context.output.progress(`installing the helper on ${name}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`);
        },
      });
      try {
        const others = await removeOtherVersions(transport, name, rootOn(context, name), executable);
        const parts = [isNew ? `The helper ${client.hello.version} was brought to ${name}.` : `${name} has this helper (${client.hello.version}) already.`];
        if (others.removed.length > 0) parts.push(`Removed: ${others.removed.length} other version${others.removed.length > 1 ? 's' : ''}.`);
        if (others.running.length > 0) parts.push(`Left alone, because it still runs: ${others.running.join(', ')}.`);
        return { json: { host: name, version: client.hello.version, path: installedPath(executableFor(executable, machineOfArch(client.hello.arch)) ?? executable), isNew, ...others }, text: parts.join(' ') };
      } finally {
        client.close();
      }
    },
  }),
  command({
    name: 'host uninstall',
    summary: 'Take everything of Zap off a host, environments too, and forget it',
    operands: { name: { placeholder: 'NAME' } },
    options: { yes: { kind: 'flag', help: 'do not ask' } },
    details: 'Refused while there are PODs on it.',
    run: async ({ operands: { name }, options }, context) => {
      const inventory = await context.inventory();
      if (!inventory.has(name)) inventory.get(name);
      await requireYes(context, options.yes, `Remove Zap, with its environments, from ${name}?`);
      const transport = await openHost(inventory, name, { ...context.surroundings, signal: context.signal });
      try {
        await uninstall(transport, name, rootOn(context, name));
      } finally {
        transport.close();
      }
      if (name !== LOCAL) await inventory.remove(name);
      return { json: { uninstalled: { name } }, text: `Nothing of Zap is left on ${name}${name === LOCAL ? '' : ', and it is forgotten'}.` };
    },
  }),
];

async function fix(context: Context, host: string, findings: Parameters<typeof remedyFor>[2], isAgreed: boolean): Promise<string[]> {
  const client = await (await context.fleet()).client(host, context.signal);
  const remedy = await remedyFor(client.transport, host, findings);
  if (!remedy) return [];
  const shown = remedy.commands.map((words) => words.join(' ')).join(' && ');
  context.output.notice(`${host}, as root: ${shown}`);
  await requireYes(context, isAgreed, `Run this on ${host}?`);
  context.output.progress(`${host}: installing ${remedy.packages.join(', ')}`);
  await applyRemedy(client.transport, host, rootOn(context, host), remedy);
  return remedy.packages;
}

function rootOn(context: Context, host: string): RootAccess {
  const { prompter, keyring } = context.surroundings;
  return new RootAccess(host, { prompter: prompter ?? nobody, keyring: keyring ?? new SessionKeyring(), signal: context.signal });
}

async function requireYes(context: Context, isAgreed: boolean, question: string): Promise<void> {
  if (isAgreed) return;
  const { prompter = nobody } = context.surroundings;
  if (!prompter.canAsk) throw new ZapError('usage/unconfirmed', `${question} Nobody can be asked here.`, { hint: 'Add --yes.' });
  if (!(await prompter.confirm({ lines: [], question, signal: context.signal }))) throw new ZapError('cancelled/by-user', 'Nothing was done.');
}
