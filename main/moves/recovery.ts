/** What a person may decide about a POD in doubt, and what each choice risks. */
import { ZapError } from '../../helper/protocol/errors';
import type { Output } from '../../helper/protocol/contract';
import type { Fleet } from '../helper-client/fleet';
import type { LocatedPod } from '../pods/locate';
import { Errands } from './errands';

export type Decision = 'run-here' | 'discard-here';

export interface RecoveryChoice {
  decision: Decision;
  effect: string;
  risk: string;
}

export interface Recovery {
  reason: string;
  choices: RecoveryChoice[];
}

export function recoveryChoices({ host, pod }: LocatedPod): Recovery {
  if (pod.state.kind !== 'in-doubt') throw new ZapError('pod/not-in-doubt', `There is nothing to decide about POD "${pod.name}".`);
  const { reason, role } = pod.state;
  const twice = 'its programs do everything twice, under the same address, until the two hosts hear of each other; then the copy at the source is stopped, and what it did since is in no other';
  if (role === 'source') {
    return {
      reason,
      choices: [
        { decision: 'run-here', effect: `It becomes on ${host} what it was when it was handed over, as a checkpoint, or runs on if it was only stopped.`, risk: `if the other host runs it after all, it is there twice: ${twice}.` },
        { decision: 'discard-here', effect: `What is kept of it on ${host} is removed.`, risk: 'if the other host does not run it, it is lost.' },
      ],
    };
  }
  return {
    reason,
    choices: [
      { decision: 'run-here', effect: `The copy on ${host}, complete and stopped since it arrived, runs from now on.`, risk: `if its source still runs it, it lives twice: ${twice}. A source that was restarted does not.` },
      { decision: 'discard-here', effect: `The copy on ${host} is removed.`, risk: 'if its source has given it away, and has lost what it kept, it is lost.' },
    ],
  };
}

/** What the POD is there after the decision; null: it is not there any more. What its source has to hear of it is remembered (errands.ts). */
export async function decideDoubt(fleet: Fleet, { host, pod }: LocatedPod, decision: Decision, options: { signal?: AbortSignal | undefined } = {}): Promise<Output<'pod.recover'>['pod']> {
  const client = await fleet.client(host, options.signal);
  const errands = new Errands(fleet.inventory.zapHome);
  const transfer = pod.state.kind === 'in-doubt' && pod.state.role === 'target' ? pod.state.transfer : undefined;
  const before = transfer === undefined ? undefined : await client.call('transfer.outcome', { transfer, pod: pod.id }, options);
  const { pod: now } = await client.call('pod.recover', { pod: pod.id, decision }, options);
  if (transfer !== undefined && decision === 'discard-here' && before?.target === 'restored' && !now) await errands.discarded(transfer, host);
  if (transfer !== undefined && decision === 'run-here' && now) await errands.letRun(transfer, pod.id, host);
  return now;
}
