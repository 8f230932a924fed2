/** PODs put to sleep and woken up. */
import { ZapError } from '../../../helper/protocol/errors';
import type { Fleet } from '../../helper-client/fleet';
import { movePod } from '../../moves/coordinator';
import { whereabouts } from '../../moves/whereabouts';
import { resumePod, suspendPod } from '../../moves/suspend';
import type { LocatedPod } from '../../pods/locate';
import { command } from '../command';
import { formatBytes, formatMs } from '../format';
import { askNewPassphrase, passphraseFileOption, passphraseFrom } from '../passphrase';
import { PhaseProgress } from '../progress';
import { moveOptions, reportText } from './transfer';

export const podLifeCommands = [
  command({
    name: 'pod suspend',
    summary: 'Freeze a POD to its files; it takes no memory until it is resumed',
    operands: { name: { placeholder: 'NAME' } },
    options: { passphrase: { kind: 'flag', help: 'encrypt it with a passphrase, in place of the key in ZAP_HOME' }, ...passphraseFileOption },
    details: 'The checkpoint is encrypted. Without a passphrase only this ZAP_HOME (its file checkpoint-key) opens it again; with one, everybody who knows it.',
    run: async ({ operands, options }, context) => {
      const fleet = await context.fleet();
      const located = await context.pod(operands.name);
      const passphrase = options.passphrase ? await askNewPassphrase(context) : await passphraseFrom(options['passphrase-file'], context);
      const progress = new PhaseProgress(context.output);
      const done = await tellingWhere(fleet, located, () => suspendPod(fleet, located, { signal: context.signal, onProgress: progress.on, passphrase }));
      progress.end();
      return { json: { host: located.host, ...done }, text: `POD ${done.pod.name} is suspended on ${located.host}: ${formatBytes(done.sizeBytes)}, frozen in ${formatMs(done.frozenMs)}.` };
    },
  }),
  command({
    name: 'pod resume',
    summary: 'Let a suspended POD go on, here or on another host',
    operands: { name: { placeholder: 'NAME' } },
    options: { host: { kind: 'value', placeholder: 'HOST', help: 'on which host (default: where it is)' }, ...passphraseFileOption },
    run: async ({ operands, options }, context) => {
      const fleet = await context.fleet();
      const located = await context.pod(operands.name);
      const { pod, host: from } = located;
      if (pod.state.kind !== 'suspended') {
        throw new ZapError('pod/wrong-state', `"${pod.name}" on ${from} is not suspended.`, { hint: pod.state.kind === 'running' ? 'It runs.' : `See \`zap pod show ${pod.name}\`.`, data: { pod: pod.name, host: from, state: pod.state.kind } });
      }
      const progress = new PhaseProgress(context.output);
      const passphrase = await passphraseFrom(options['passphrase-file'], context);
      const host = options.host === undefined ? from : await context.hostOr(options.host);
      if (host !== from) {
        const report = await movePod(fleet, located, host, { ...moveOptions(context, progress), passphrase, resume: true });
        progress.end();
        return { json: report, text: reportText(report, 'goes on') };
      }
      const done = await tellingWhere(fleet, located, () => resumePod(fleet, located, { signal: context.signal, onProgress: progress.on, passphrase }));
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
