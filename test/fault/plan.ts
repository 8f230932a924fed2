/** Which fault comes where: the same for the same seed. */
import { leaves, moments, type Moment, type Operation } from './moments';
import { Random } from './random';

export const injections = [
  'kill helper', 'kill CRIU', 'kill CRIU at work', 'kill desktop', 'kill runc', 'cut both', 'cut in', 'cut out', 'cut between hosts', 'slow link', 'power off', 'disk full', 'memory short', 'disk read-only', 'clock jump', 'stop helper', 'EIO', 'kill init', 'two desktops', 'same name',
] as const;
export type Injection = (typeof injections)[number];

export interface Fault {
  number: number;
  operation: Operation;
  moment: Moment;
  injection: Injection;
}

/** Where each fault makes sense. */
function suits(injection: Injection, operation: Operation, moment: Moment): boolean {
  const isBetweenHosts = leaves(operation) || operation === 'clone';
  switch (injection) {
    case 'kill CRIU':
      return moment.hasCriu === true;
    case 'kill CRIU at work':
      return moment.name === 'source: frozen' || moment.name === 'target: make processes' || moment.name === 'resume: restore';
    case 'kill runc':
      return operation === 'create' && moment.name === 'create: sandbox';
    case 'cut between hosts':
    case 'slow link':
      return isBetweenHosts;
    case 'EIO':
      return moment.name.startsWith('journal ');
    case 'kill init':
      return operation !== 'resume' && operation !== 'delete' && moment.isFrozen === true && moment.side === 'source' && moment.isOver !== true;
    case 'two desktops':
      return (operation === 'move' || operation === 'suspend') && (moment.name === 'source: offer' || moment.name === 'suspend: find watched files' || moment.name === 'source: dumped');
    case 'same name':
      return operation === 'move' && moment.name === 'source: offer';
    case 'memory short':
      return operation !== 'delete' && operation !== 'create';
    default:
      return true;
  }
}

/** Moves are what most is at stake in. */
const operations: Operation[] = ['move', 'move', 'move', 'move', 'move', 'move-undone', 'move-stored', 'resume-elsewhere', 'clone', 'suspend', 'resume', 'delete', 'create'];

export function plan(seed: number, { count, only }: { count: number; only?: string | undefined }): Fault[] {
  const random = new Random(seed);
  const faults: Fault[] = [];
  const candidates = (operation: Operation, injection: Injection): Moment[] => moments[operation].filter((moment) => suits(injection, operation, moment) && (only === undefined || `${operation} ${moment.name} ${injection}`.includes(only)));
  for (let attempts = 0; faults.length < count && attempts < count * 1000 + 1000; attempts++) {
    const injection = random.pick(injections);
    const operation = random.pick(operations);
    const possible = candidates(operation, injection);
    if (possible.length > 0) faults.push({ number: faults.length + 1, operation, moment: random.pick(possible), injection });
  }
  return faults;
}
