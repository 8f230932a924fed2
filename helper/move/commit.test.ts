import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World, type Side } from './commit-world-fixture';

/** `ZAP_SCHEDULES` sets how many; a failure prints the seed and the shortest schedule that breaks the rule. */
const schedules = Number(process.env['ZAP_SCHEDULES'] ?? 100_000);

type Step = fc.Command<object, World>;

function step(name: string, run: (world: World) => void): Step {
  return { check: () => true, run: (_model, world) => run(world), toString: () => name };
}

const side = fc.constantFrom<Side>('source', 'target');
const index = fc.nat({ max: 5 });
const steps: fc.Arbitrary<Step>[] = [
  fc.constant(step('restore', (world) => world.restore())),
  // Most messages arrive, or no schedule would come far.
  ...[0, 1, 2].map(() => fc.constant(step('deliver the first', (world) => world.deliver(0)))),
  index.map((at) => step(`deliver ${at}`, (world) => world.deliver(at))),
  index.map((at) => step(`drop ${at}`, (world) => void world.messages.splice(at, 1))),
  index.map((at) => step(`double ${at}`, (world) => void world.messages.push(...world.messages.slice(at, at + 1)))),
  fc.constant(step('fail', (world) => world.fail())),
  fc.constant(step('insist', (world) => world.insist())),
  fc.constant(step('desktop', (world) => world.desktop())),
  fc.constant(step('person', (world) => world.person())),
  fc.constant(step('person at the source', (world) => world.personAtSource())),
  fc.tuple(side, fc.nat({ max: 4 })).map(([where, after]) => step(`${where} dies after ${after}`, (world) => world.dieAfter(where, after))),
  ...[0, 1].map(() => side.map((where) => step(`${where} starts`, (world) => world.start(where)))),
  fc.tuple(side, fc.boolean()).map(([where, losesTail]) => step(`power of ${where}${losesTail ? ' with its last lines' : ''}`, (world) => world.cutPower(where, losesTail))),
  fc.tuple(side, fc.boolean()).map(([where, fails]) => step(`${where} ${fails ? 'cannot' : 'can'} write`, (world) => world.failWrites(where, fails))),
  side.map((where) => step(`processes of ${where} are killed`, (world) => world.killStopped(where))),
];

/** When nothing goes wrong any more, each POD is in one place, and that place is known. */
function requireOneEnd(world: World): void {
  const { source, target } = world;
  const places = [source.tree === 'running' && 'runs at the source', target.tree === 'running' && 'runs at the target'].filter(Boolean);
  if (places.length > 1) throw new Error(`it is twice: ${places.join(', ')}`);
  if (places.length === 0 && !world.isInherentlyLost && !source.isDoubted && !(target.hasRun && target.wasRestarted)) throw new Error('it is nowhere');
  if (target.tree === 'frozen') throw new Error('a stopped copy was left behind');
  if (source.phase !== 'over' && source.phase !== 'superseded' && !source.isDoubted) throw new Error(`the source never ends: ${source.phase}`);
}

describe('the commit protocol', () => {
  it(`keeps exactly one copy over ${schedules} schedules of faults`, () => {
    const reached = new Set<string>();
    const property = fc.property(fc.commands(steps, { maxCommands: 40, size: 'max' }), (commands) => {
      const world = new World();
      fc.modelRun(() => ({ model: {}, real: world }), commands);
      world.heal();
      requireOneEnd(world);
      reached.add(`${world.source.phase} ${world.target.phase} ${world.source.tree} ${world.target.tree}`);
    });
    fc.assert(property, { numRuns: schedules });
    for (const end of ['over over running none', 'over settled dead running', 'over over dead running']) expect([...reached]).toContain(end);
  }, 300_000);
});
