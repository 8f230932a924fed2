import { ZapError } from '../../../helper/protocol/errors';
import type { Fleet } from '../../helper-client/fleet';
import { movePod } from '../../moves/coordinator';
import { whereabouts } from '../../moves/whereabouts';
import { findPod, type LocatedPod } from '../../pods/locate';
import { command } from '../command';
import { formatBytes, formatMs } from '../format';
import { PhaseProgress } from '../progress';
import { moveOptions, reportText } from './transfer';

export const podLifeCommands = [
  command({
    name: 'pod suspend',
    summary: 'Freeze a POD to its files; it takes no memory until it is resumed',
    operands: { name: { placeholder: 'NAME' } },
    options: {},
    run: async ({ operands }, context) => {
      const fleet = await context.fleet();
      const located = await findPod(fleet, operands.name, context.signal);
      const client = await fleet.client(located.host, context.signal);
      const progress = new PhaseProgress(context.output);
      const done = await tellingWhere(fleet, located, () => client.call('pod.suspend', { pod: located.pod.id }, { signal: context.signal, onEvent: progress.on }));
      progress.end();
      return { json: { host: located.host, ...done }, text: `POD ${done.pod.name} is suspended on ${located.host}: ${formatBytes(done.sizeBytes)}, frozen in ${formatMs(done.frozenMs)}.` };
    },
  }),
  command({
    name: 'pod resume',
    summary: 'Let a suspended POD go on, here or on another host',
    operands: { name: { placeholder: 'NAME' } },
    options: { host: { kind: 'value', placeholder: 'HOST', help: 'on which host (default: where it is)' } },
    run: async ({ operands, options }, context) => {
      const fleet = await context.fleet();
      const located = await findPod(fleet, operands.name, context.signal);
      const { pod, host: from } = located;
      if (pod.state.kind !== 'suspended') {
        throw new ZapError('pod/wrong-state', `"${pod.name}" on ${from} is not suspended.`, { hint: pod.state.kind === 'running' ? 'It runs.' : `See \`zap pod show ${pod.name}\`.`, data: { pod: pod.name, host: from, state: pod.state.kind } });
      }
      const progress = new PhaseProgress(context.output);
      const host = options.host === undefined ? from : await context.hostOr(options.host);
      if (host !== from) {
        const report = await movePod(fleet, located, host, { ...moveOptions(context, progress), resume: true });
        progress.end();
        return { json: report, text: reportText(report, 'goes on') };
      }
      const client = await fleet.client(host, context.signal);
      const done = await tellingWhere(fleet, located, () => client.call('pod.resume', { pod: pod.id }, { signal: context.signal, onEvent: progress.on }));
      progress.end();
      return { json: { host, ...done }, text: `POD ${done.pod.name} goes on on ${host}: restored in ${formatMs(done.restoreMs)}.` };
    },
  }),
];

/** A failure of a verb that freezes or restores says where the POD is now. */
async function tellingWhere<T>(fleet: Fleet, { pod, host }: LocatedPod, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const error = ZapError.from(thrown);
    const where = await whereabouts(fleet, pod, [host], { untilSettled: error.code === 'host/connection-lost' }).catch(() => undefined); // the first failure is the one to tell
    throw where ? new ZapError(error.code, `${error.message} ${where.sentence}`, { hint: error.hint, evidence: error.evidence, data: error.data, cause: error }) : error;
  }
}
