/** PODs made, looked at, renamed and deleted. */
import { ZapError } from '../../../helper/protocol/errors';
import { LOCAL } from '../../hosts/inventory';
import { ensureEnvironment } from '../../moves/environment';
import { listSettled } from '../../moves/settle';
import { requireFreeName, type LocatedPod } from '../../pods/locate';
import { command } from '../command';
import type { Context } from '../context';
import { describeLimits, describeNetwork, stateAge, stateWord } from '../describe-pod';
import { findingLines } from '../findings';
import { formatBytes, formatTable, printable } from '../format';
import { PhaseProgress } from '../progress';
import { geometry, limits, network, networkOptions, podName, wholeNumber } from '../values';
import { recipeNames } from './environment';

const podOperand = { placeholder: 'NAME' } as const;
export const podCommands = [
  command({
    name: 'pod create',
    summary: 'Create a POD and start it',
    operands: { name: podOperand },
    options: {
      host: { kind: 'value', placeholder: 'HOST', help: 'on which host (default: the only one there is)' },
      env: { kind: 'value', placeholder: 'ENV', help: 'environment it starts from, by name or digest' },
      ...networkOptions,
      memory: { kind: 'value', placeholder: '512M', help: 'most memory it may use' },
      cpus: { kind: 'value', placeholder: '1.5', help: 'most processor time it may use' },
      pids: { kind: 'value', placeholder: '200', help: 'most processes it may have' },
      geometry: { kind: 'value', placeholder: 'WxH', help: 'size of its screen' },
    },
    trailing: { placeholder: 'CMD…', isOptional: true },
    details: 'Without a command it runs what its environment is for: a desktop, a server, a shell. The network is nat unless you say otherwise.',
    examples: ['zap pod create desk --env desktop --network lan:10.0.0.12/24', 'zap pod create job --env shell --memory 1G -- python3 /root/job.py'],
    run: async ({ operands, options, trailing }, context) => {
      const name = podName(operands.name);
      if (options.env === undefined) throw new ZapError('usage/bad-arguments', 'Say which environment: --env ENV.', { hint: 'See `zap env list`.' });
      const request = {
        name,
        network: network(options.network ?? 'nat', options.gateway),
        limits: limits(options),
        ...(trailing.length > 0 ? { command: trailing } : {}),
        ...(options.geometry === undefined ? {} : { geometry: geometry(options.geometry) }),
      };
      const host = await context.hostOr(options.host);
      const fleet = await context.fleet();
      const client = await context.client(host);
      for (const failure of await requireFreeName(fleet, name, context.signal)) context.output.notice(`${failure.host} cannot be asked whether it has a POD called "${name}": ${failure.error.message}`);
      const progress = new PhaseProgress(context.output);
      const environment = await ensureEnvironment(fleet, host, options.env, {
        signal: context.signal,
        recipeNames: await recipeNames(context),
        buildHost: host !== LOCAL && fleet.inventory.get(host).lab ? LOCAL : host, // lab hosts have no way to a Debian mirror
        onProgress: progress.on,
        onCopy: (copied, from) => context.output.notice(`copying the environment ${copied.names[0] ?? copied.digest} (${formatBytes(copied.sizeBytes)}) from ${from} to ${host}`),
      });
      const pod = await client.call('pod.create', { ...request, environment: environment.digest }, { signal: context.signal, onEvent: progress.on });
      progress.end();
      return { json: { host, pod }, text: `POD ${pod.name} runs on ${host}${pod.address ? ` at ${pod.address}` : ''}.` };
    },
  }),
  command({
    name: 'pod list',
    summary: 'List the PODs on all hosts',
    operands: {},
    options: { host: { kind: 'value', placeholder: 'HOST', help: 'of one host only' } },
    run: async ({ options }, context) => {
      const hosts = options.host === undefined ? undefined : [await context.hostOr(options.host)];
      const { pods, failures } = await listSettled(await context.fleet(), { hosts, signal: context.signal });
      for (const { host, error } of failures) context.output.notice(`${host} cannot be asked: ${error.message}`);
      const rows = pods.map(({ host, pod }) => [pod.name, host, stateWord(pod), pod.environment.name, pod.address ?? '', stateAge(pod), pod.id]);
      return {
        json: { pods: pods.map(({ host, pod }) => ({ host, ...pod })), unreachable: failures.map(({ host, error }) => ({ host, code: error.code, message: error.message })) },
        text: rows.length === 0 ? 'There are no PODs yet; create one with `zap pod create`.' : formatTable(['POD', 'HOST', 'STATE', 'ENVIRONMENT', 'ADDRESS', 'SINCE', 'ID'], rows),
      };
    },
  }),
  command({
    name: 'pod show',
    summary: 'Show one POD: state, use, and what would hinder a move',
    operands: { name: podOperand },
    options: {},
    run: async ({ operands }, context) => {
      const { host, pod: found } = await context.pod(operands.name);
      const client = await context.client(host);
      const { pod, usage, command: argv, findings } = await client.call('pod.show', { pod: found.id }, { signal: context.signal });
      const rows: [string, string][] = [
        ['POD', `${pod.name} (${pod.id})`],
        ['host', host],
        ['state', `${stateWord(pod)}${stateAge(pod) ? `, since ${stateAge(pod)}` : ''}`],
        ['environment', `${pod.environment.name} (${pod.environment.digest.slice(0, 19)})`],
        ['network', describeNetwork(pod)],
        ['owner', pod.owner],
        ['limits', describeLimits(pod)],
        ...(argv ? [['command', argv.join(' ')] as [string, string]] : []),
        ...(usage
          ? ([
              ['processes', `${usage.processes} (${usage.threads} threads), ${usage.cpuSeconds.toFixed(1)} s of processor time`],
              ['memory', formatBytes(usage.memoryBytes)],
              ['layer', `${formatBytes(usage.layerBytes)} in ${usage.layerFiles} files`],
              ['TCP', `${usage.tcpConnections} connections`],
            ] as [string, string][])
          : []),
      ];
      return { json: { host, pod, usage, command: argv, findings }, text: [...rows.map(([key, value]) => `${key.padEnd(11)}  ${printable(value)}`), ...findingLines(findings)].join('\n') };
    },
  }),
  command({
    name: 'pod rename',
    summary: 'Give a POD another name',
    operands: { name: podOperand, newName: { placeholder: 'NEW' } },
    options: {},
    run: async ({ operands }, context) => {
      const name = podName(operands.newName);
      const { host, pod: found } = await context.pod(operands.name);
      await requireFreeName(await context.fleet(), name, context.signal);
      const client = await context.client(host);
      const pod = await client.call('pod.rename', { pod: found.id, name }, { signal: context.signal });
      return { json: { host, pod }, text: `POD ${found.name} is now called ${pod.name}.` };
    },
  }),
  command({
    name: 'pod delete',
    summary: 'End a POD and remove its files',
    operands: { name: podOperand },
    options: { yes: { kind: 'flag', help: 'do not ask' } },
    run: async ({ operands, options }, context) => {
      const located = await context.pod(operands.name);
      const { host, pod: { id, name } } = located;
      if (!options.yes) await confirmDelete(context, located);
      const client = await context.client(host);
      await client.call('pod.delete', { pod: id }, { signal: context.signal });
      return { json: { deleted: { host, id, name } }, text: `POD ${name} is deleted from ${host}.` };
    },
  }),
  command({
    name: 'pod logs',
    summary: "Show what a POD's session has printed",
    operands: { name: podOperand },
    options: { lines: { kind: 'value', placeholder: 'N', help: 'last lines of each log (default 100)' } },
    run: async ({ operands, options }, context) => {
      const { host, pod } = await context.pod(operands.name);
      const lines = options.lines === undefined ? 100 : wholeNumber('--lines', options.lines, 100_000);
      const client = await context.client(host);
      const { files } = await client.call('pod.logs', { pod: pod.id, lines }, { signal: context.signal });
      return { json: { host, pod: pod.name, files }, text: files.map(({ name, text }) => `==> ${printable(name).replace(/\s+/g, ' ')} <==\n${printable(text)}`).join('\n') };
    },
  }),
];

async function confirmDelete({ surroundings: { prompter }, signal }: Context, { host, pod }: LocatedPod): Promise<void> {
  const answer = prompter?.canAsk ? await prompter.text({ question: `Delete ${pod.name} on ${host} with all its files? Type its name:`, signal }) : undefined;
  if (answer?.trim() !== pod.name) throw new ZapError('usage/unconfirmed', `"${pod.name}" on ${host} is not deleted: nobody confirmed it.`, { hint: 'Add --yes.' });
}
