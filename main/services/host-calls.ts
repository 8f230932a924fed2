/** What the user interface may ask about hosts. */
import { ZapError } from '../../helper/protocol/errors';
import type { FindingView, Task } from '../contract';
import { diagnose } from '../helper-client/doctor';
import { findHelperExecutable } from '../helper-client/executable';
import { applyRemedy, remedyFor } from '../helper-client/packages';
import { RootAccess } from '../helper-client/root-access';
import { removeOtherVersions, uninstall } from '../helper-client/uninstall';
import { openHost } from '../hosts/connect';
import { LOCAL } from '../hosts/inventory';
import { recordFor } from '../hosts/record-for';
import type { TaskContext } from '../tasks/board';
import type { Answers, Named } from './answers';
import type { Desk } from './desk';
import { evacuate } from './evacuate';
import { showSuggestions } from './suggestions';

type HostTaskKind = Extract<Task['kind'], `host.${string}`>;

export function hostCalls(desk: Desk): Answers<Named<'host'>> {
  const { inventory, board } = desk;
  const known = (host: string): void => void (inventory.has(host) || inventory.get(host)); // throws with the names that exist
  const start = (kind: HostTaskKind, host: string, input: object, work: (context: TaskContext) => Promise<string | undefined>): { task: string } => ({
    task: board.start({ kind, subject: { host }, canCancel: true, request: { name: kind, input } }, async (context) => {
      const note = await work(context);
      return note === undefined ? {} : { note };
    }),
  });

  return {
    async 'host.add'(input) {
      const { host, destination, jump, identityFile } = input;
      if (inventory.has(host)) throw new ZapError('host/name-taken', `There is already a host called "${host}".`, { hint: 'Choose another name.', data: { host } });
      const record = await recordFor(inventory, host, { destination, jump, identityFile });
      return start('host.add', host, input, async ({ signal, log, progress }) => {
        const target = await inventory.resolve(host, record);
        log(`${host} is ${target.user}@${target.address}:${target.port}`);
        progress({ phase: 'connect' });
        await inventory.add(host, record);
        try {
          await desk.link(host).openNow(desk.asking(host, signal), signal);
        } catch (error) {
          // One that never answered is not kept: a misspelt name would stand there for ever.
          await inventory.remove(host);
          desk.forgetHost(host);
          throw error;
        }
        await showSuggestions(desk);
        return undefined;
      });
    },

    async 'host.remove'({ host }) {
      if (desk.store.allPods.some((pod) => pod.host === host && pod.task !== undefined)) throw new ZapError('host/busy', `Something is being done to PODs on ${host}.`, { hint: 'Wait until it has ended.', data: { host } });
      await inventory.remove(host);
      desk.forgetHost(host);
      await showSuggestions(desk);
      return {};
    },

    async 'host.connect'(input) {
      known(input.host);
      return start('host.connect', input.host, input, async ({ signal, progress }) => {
        progress({ phase: 'connect' });
        await desk.link(input.host).openNow(desk.asking(input.host, signal), signal);
        return undefined;
      });
    },

    async 'host.disconnect'({ host }) {
      known(host);
      desk.links.get(host)?.close();
      return {};
    },

    async 'host.doctor'(input) {
      known(input.host);
      return start('host.doctor', input.host, input, async ({ signal, progress, log }) => {
        const findings = await examine(desk, input.host, signal, (step) => (progress({ phase: 'examine' }), log(step)));
        return findings.map(({ message }) => message).join('\n') || undefined;
      });
    },

    async 'host.fix'(input) {
      const { host, finding } = input;
      const findings = (desk.knowledge(host).diagnosis?.findings ?? []).filter(({ id }) => finding === undefined || id === finding);
      return start('host.fix', host, input, async ({ signal, progress, log }) => {
        const client = await desk.reached(host, signal);
        const remedy = await remedyFor(client.transport, host, findings);
        if (!remedy) throw new ZapError('host/no-remedy', `There is nothing on ${host} that Zap could mend by itself.`, { data: { host } });
        const shown = remedy.commands.map((words) => words.join(' '));
        const isAgreed = await desk.prompts.ask({ kind: 'confirm', host, lines: shown, question: `Run this as root on ${host}?` }, signal);
        if (isAgreed.kind !== 'yes') throw new ZapError('cancelled/by-user', 'Nothing was done.');
        progress({ phase: 'install' });
        log(shown.join('\n'));
        await applyRemedy(client.transport, host, rootOn(desk, host, signal), remedy);
        await examine(desk, host, signal, (step) => (progress({ phase: 'examine' }), log(step)));
        return remedy.packages.join(', ');
      });
    },

    async 'host.upgrade'(input) {
      const { host } = input;
      known(host);
      if (host === LOCAL) throw new ZapError('host/is-local', 'On this computer the helper is started where it was built: there is nothing to upgrade.');
      return start('host.upgrade', host, input, async ({ signal, progress, log }) => {
        progress({ phase: 'connect' });
        await desk.link(host).openNow(desk.asking(host, signal), signal);
        progress({ phase: 'clean up' });
        const others = await removeOtherVersions(desk.ready(host).transport, host, rootOn(desk, host, signal), await findHelperExecutable(desk.options.distDirectory));
        if (others.removed.length > 0) log(`removed: ${others.removed.join(', ')}`);
        if (others.running.length > 0) log(`left alone, because it still runs: ${others.running.join(', ')}`);
        return desk.ready(host).hello.version;
      });
    },

    async 'host.uninstall'(input) {
      const { host } = input;
      known(host);
      return start('host.uninstall', host, input, async ({ signal, progress }) => {
        // A transport of its own: the helper that is connected must have gone.
        progress({ phase: 'connect' });
        const transport = await openHost(inventory, host, { ...desk.asking(host, signal), keyring: desk.keyring, signal });
        try {
          desk.links.get(host)?.close();
          progress({ phase: 'uninstall' });
          await uninstall(transport, host, rootOn(desk, host, signal));
        } finally {
          transport.close();
        }
        if (host !== LOCAL) {
          await inventory.remove(host);
          desk.forgetHost(host);
          await showSuggestions(desk);
        }
        return undefined;
      });
    },

    async 'host.evacuate'(input) {
      known(input.host);
      if (input.to !== undefined) known(input.to);
      return { task: board.start({ kind: 'host.evacuate', subject: { host: input.host, ...(input.to === undefined ? {} : { to: input.to }) }, canCancel: true, request: { name: 'host.evacuate', input } }, (context) => evacuate(desk, input, context)) };
    },

    async 'host.samples'({ host }) {
      return { samples: desk.knowledge(host).samples };
    },
    async 'host.log'({ host }) {
      return { text: desk.links.get(host)?.log.text ?? '' };
    },
  };
}

async function examine(desk: Desk, host: string, signal: AbortSignal, onStep: (text: string) => void): Promise<FindingView[]> {
  const others = desk.fleet.hosts.filter((other) => other !== host);
  const { isFit, findings } = await diagnose(desk.fleet, host, { signal, others, onStep });
  const views = findings.map((finding) => (finding.id === 'program-missing' && finding.data?.['packages'] ? { ...finding, canFix: true } : finding));
  desk.knowledge(host).diagnosis = { atMs: Date.now(), isFit, findings: views };
  desk.showHost(host);
  return views;
}

function rootOn(desk: Desk, host: string, signal: AbortSignal): RootAccess {
  return new RootAccess(host, { prompter: desk.prompts.prompter(host), keyring: desk.keyring, signal });
}
