/** What may become of a fault, decided from what was seen. */
import { assertNever } from '../../helper/protocol/errors';
import type { LocatedPod } from '../../main/pods/locate';
import type { Attempt } from './operate';
import type { Fault } from './plan';

/**
 * What became of the operation. `decided`: in doubt, until a person said which copy it is. `gone`: its processes ended with the only host they lived on, or by
 * the kill of the first of them, and that is said.
 */
export type Ending = 'done' | 'undone' | 'decided' | 'gone';

export interface Outcome {
  fault: Fault;
  ending: Ending | undefined;
  /** Where the POD was afterwards, in a word, and what the operation said. */
  ended: string;
  said: string;
  /** Nothing: all is as it must be. */
  problems: string[];
  /** The moment never came, so nothing was injected. */
  isMissed: boolean;
  seconds: number;
}

export function endingOf({ operation, from }: Attempt, place: LocatedPod | undefined): Ending {
  const kind = place?.pod.state.kind;
  if (operation === 'delete') return place ? 'undone' : 'done';
  if (kind !== 'running' && kind !== 'suspended') return 'gone';
  switch (operation) {
    case 'move':
    case 'move-undone':
    case 'move-stored':
    case 'resume-elsewhere':
      return place!.host === from ? 'undone' : 'done';
    case 'suspend':
      return kind === 'suspended' ? 'done' : 'undone';
    case 'resume':
      return kind === 'running' ? 'done' : 'undone';
    case 'clone':
    case 'create':
      return 'undone'; // unless there is a copy
    default:
      return assertNever(operation);
  }
}

/** A POD that lived on a host alone does not survive that host's power, nor its first process the kill of it; it is said so plainly, and its files are kept. */
export function mayBeLost({ fault: { injection, operation, moment }, said }: Outcome, kind: string | undefined): boolean {
  if (kind !== 'lost' && kind !== 'exited') return false;
  if (injection === 'power off') {
    const isLivingThere = moment.isOver === true || (moment.name === 'target did: say running' && said === 'done');
    if (operation === 'suspend') return moment.name !== 'suspend: written' && moment.name !== 'suspend: clean up';
    if (operation === 'resume') return moment.name === 'resume: let run';
    if (operation === 'move-undone') return moment.side === 'source'; // given up, so it lives there alone
    if (operation === 'resume-elsewhere') return moment.side === 'target' && isLivingThere;
    if (operation === 'move') return moment.side === 'source' ? moment.isRestored !== true : isLivingThere;
    return operation !== 'move-stored';
  }
  // Until its memory has been sent the processes are all there is of it; of a clone's original nothing was promised to anybody.
  if (injection === 'kill init') return operation === 'clone' || (operation === 'move' && moment.isUnsent === true);
  return operation === 'create' && injection === 'kill runc';
}
