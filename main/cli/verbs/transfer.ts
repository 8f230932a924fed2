/** PODs on their way: moved and cloned, or only looked at before. */
import { ZapError } from '../../../helper/protocol/errors';
import { clonePod, movePod, planOnly, type MoveOptions, type MoveReport } from '../../moves/coordinator';
import type { Plan } from '../../moves/plan';
import { command } from '../command';
import type { Context } from '../context';
import { findingLines } from '../findings';
import { formatBytes, formatMs, formatTable } from '../format';
import { passphraseFileOption, passphraseFrom } from '../passphrase';
import { PhaseProgress } from '../progress';
import { bytesPerSecond, network, networkOptions, podName } from '../values';

const bandwidthOption = { bandwidth: { kind: 'value', placeholder: 'RATE', help: 'send no more than this each second (20M) while the POD runs' } } as const;

export const transferCommands = [
  command({
    name: 'pod move',
    summary: 'Move a POD to another host while it runs',
    operands: { name: { placeholder: 'NAME' }, host: { placeholder: 'HOST' } },
    options: { ...bandwidthOption, 'keep-memory': { kind: 'flag', help: 'leave its memory here, encrypted with a key that goes with it, so that its return sends only what has changed' }, 'memory-follows': { kind: 'flag', help: 'let a large POD run before all of its memory is in place: it stands still for less, and is slower for a moment' }, 'dry-run': { kind: 'flag', help: 'only look whether it can move, and what it will cost' } },
    details: 'A suspended POD stays suspended; `zap pod resume NAME --host HOST` lets it go on there. Ctrl-C undoes the move until it is committed.',
    run: async ({ operands, options }, context) => {
      const fleet = await context.fleet();
      const to = await context.hostOr(operands.host);
      const located = await context.pod(operands.name);
      const resume = located.pod.state.kind === 'running';
      if (options['dry-run']) {
        if (located.host === to) throw new ZapError('move/same-host', `"${located.pod.name}" is on ${to} already.`);
        const plan = await planOnly(fleet, located, to, { willRun: resume, mayMemoryFollow: options['memory-follows'], signal: context.signal });
        return { json: plan, text: planText(plan), exitCode: plan.canMove ? 0 : new ZapError('preflight/blocked', '').exitCode };
      }
      const progress = new PhaseProgress(context.output);
      const report = await movePod(fleet, located, to, { ...moveOptions(context, progress, options.bandwidth), resume, keepMemory: options['keep-memory'], mayMemoryFollow: options['memory-follows'] });
      progress.end();
      return { json: report, text: reportText(report, resume ? 'runs' : 'is suspended') };
    },
  }),
  command({
    name: 'pod clone',
    summary: 'Make a copy of a POD with an identity of its own; the original runs on',
    operands: { name: { placeholder: 'NAME' }, newName: { placeholder: 'NEW' } },
    options: { host: { kind: 'value', placeholder: 'HOST', help: 'where the copy goes (default: beside the original)' }, ...bandwidthOption, ...networkOptions, ...passphraseFileOption },
    details: 'The copy has its own name, host name, machine-id, MAC and address. Its connections are closed; everything else goes on in both.',
    run: async ({ operands, options }, context) => {
      const name = podName(operands.newName);
      const of = options.network === undefined ? undefined : network(options.network, options.gateway);
      const fleet = await context.fleet();
      const located = await context.pod(operands.name);
      const to = options.host === undefined ? located.host : await context.hostOr(options.host);
      const progress = new PhaseProgress(context.output);
      const report = await clonePod(fleet, located, { name, to, network: of }, { ...moveOptions(context, progress, options.bandwidth), passphrase: await passphraseFrom(options['passphrase-file'], context) });
      progress.end();
      return { json: report, text: reportText(report, 'is the copy', located.pod.name) };
    },
  }),
];

export function moveOptions(context: Context, progress: PhaseProgress, bandwidth?: string): MoveOptions {
  return {
    ...(bandwidth === undefined ? {} : { maxBytesPerSecond: bytesPerSecond(bandwidth) }),
    signal: context.signal,
    onProgress: progress.on,
    onNotice: (text) => context.output.notice(text),
    onPlan: (plan) => {
      for (const line of findingLines(plan.findings.filter(({ severity }) => severity === 'warning'))) context.output.notice(line);
    },
    onRelay: () => context.output.notice('the hosts cannot reach each other: the bytes go through this computer'),
  };
}

export function reportText(report: MoveReport, verb: string, original = report.pod): string {
  const { pod, to, downtimeMs, totalMs, bytes, steps } = report;
  const pause = report.mode === 'live' && downtimeMs > 0 ? `${original} stood still for ${formatMs(downtimeMs)}; ` : '';
  const { tracking } = report;
  const tracked = tracking ? `\nWrites of ${tracking.processes} ${tracking.processes === 1 ? 'process' : 'processes'} were tracked: ${formatBytes(tracking.comparedBytes)} had to be compared while it stood still.${tracking.left.map((why) => `\nNot of ${why}`).join('')}` : '';
  const table = formatTable(['STEP', 'TIME'], [...steps.map(({ name, ms }) => [name, formatMs(ms)]), ['total', formatMs(totalMs)]], { numeric: [1] });
  return `${table}\n\n${pod} ${verb} on ${to}. ${pause}${formatMs(totalMs)} in all; memory ${formatBytes(bytes.memory)}, layer ${formatBytes(bytes.layer)}, sent ${formatBytes(bytes.sent)}.${tracked}`;
}

function planText(plan: Plan): string {
  const { memory, layer, environment } = plan.predictedBytes;
  const lines = [`${plan.pod}: ${plan.from} → ${plan.to}, ${plan.mode}${plan.memoryFollows ? ', its memory follows' : ''}`, `memory ${formatBytes(memory)}, layer ${formatBytes(layer)}${plan.needsEnvironment ? `, environment ${formatBytes(environment)}` : ''}`];
  const basis = plan.pastMoves === 0 ? 'no move between these hosts was seen yet' : `by ${plan.pastMoves} earlier ${plan.pastMoves === 1 ? 'move' : 'moves'}`;
  if (plan.predictedDowntimeMs > 0) lines.push(`it will stand still for about ${formatMs(plan.predictedDowntimeMs)}`);
  lines.push(`about ${formatMs(plan.predictedTotalMs)} in all, ${formatBytes(plan.predictedSentBytes)} sent (${basis})`);
  lines.push(...findingLines(plan.findings), plan.canMove ? `${plan.pod} can move.` : `${plan.pod} cannot move.`);
  return lines.join('\n');
}
