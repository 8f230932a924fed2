/** What a person may decide about a POD in doubt, and what each choice risks. */
import { ZapError } from '../../helper/protocol/errors';
import type { LocatedPod } from '../pods/locate';

export interface RecoveryChoice {
  decision: 'run-here' | 'discard-here';
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
