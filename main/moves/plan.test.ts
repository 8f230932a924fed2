import { describe, expect, it } from 'vitest';
import { planMove, type PlanFacts } from './plan';
import { demandOf, factsOf, podOf } from '../../test/fakes/nouns';

function plan(change: Partial<PlanFacts> = {}) {
  const pod = change.pod ?? podOf('running');
  return planMove({
    pod,
    from: 'alpha',
    to: 'beta',
    willRun: pod.state.kind === 'running',
    sourceFacts: factsOf({}),
    targetFacts: factsOf({}),
    clockOffsetMs: 0,
    clockErrorMs: 5,
    source: { demand: demandOf(pod), findings: [], predictedFreezeMs: 100 },
    target: { findings: [], needsEnvironment: false },
    cpu: { uses: [], unused: [] },
    past: [],
    ...change,
  });
}

const blocker = { id: 'target/no-space', severity: 'blocker', message: 'No room.' } as const;
const warning = { id: 'pod/x', severity: 'warning', message: 'w' } as const;
const note = { id: 'pod/y', severity: 'note', message: 'n' } as const;

describe('planMove', () => {
  const table: [name: string, change: Partial<PlanFacts>, expected: object][] = [
    ['nothing in the way', {}, { canMove: true, mode: 'live', findings: [] }],
    ['a warning does not forbid', { target: { findings: [warning], needsEnvironment: false } }, { canMove: true }],
    ['a blocker of the target forbids', { target: { findings: [blocker], needsEnvironment: false } }, { canMove: false }],
    ['a blocker of the source forbids', { source: { demand: demandOf(podOf('running')), findings: [blocker], predictedFreezeMs: 1 } }, { canMove: false }],
    ['another architecture forbids', { targetFacts: factsOf({ arch: 'arm64' }) }, { canMove: false, findings: [expect.objectContaining({ id: 'move/arch-differs' })] }],
    [
      'a feature of the processor that programs use forbids, by their names',
      { cpu: { uses: [{ flag: 'avx512f', programs: ['bash', 'sleep', 'sleep'] }, { flag: 'avx512vl', programs: ['bash', 'sleep', 'sleep'] }, { flag: 'sha_ni', programs: ['curl'] }], unused: [] }, target: { findings: [{ ...blocker, id: 'cpu-features' }], needsEnvironment: false } },
      {
        canMove: false,
        findings: [
          expect.objectContaining({ id: 'cpu-features', severity: 'blocker', message: "beta's CPU lacks avx512f, avx512vl, which 3 programs of this POD use (bash, sleep)." }),
          expect.objectContaining({ message: "beta's CPU lacks sha_ni, which 1 program of this POD uses (curl)." }),
        ],
      },
    ],
    ['a feature that no program uses is a note', { cpu: { uses: [], unused: ['sha_ni'] } }, { canMove: true, findings: [expect.objectContaining({ severity: 'note', message: "beta's CPU lacks sha_ni, which no program of this POD uses." })] }],
    ['another kernel is a note', { targetFacts: factsOf({ kernel: '6.12.0' }) }, { canMove: true, findings: [expect.objectContaining({ severity: 'note' })] }],
    ['clocks that differ are a warning', { clockOffsetMs: -90_000 }, { canMove: true, findings: [expect.objectContaining({ id: 'move/clocks-differ', severity: 'warning' })] }],
    ['a difference within the error is nothing', { clockOffsetMs: 1500, clockErrorMs: 600 }, { findings: [] }],
    ['a missing environment is counted', { target: { findings: [], needsEnvironment: true } }, { needsEnvironment: true, predictedBytes: { memory: 80_000_000, layer: 1000, environment: 500 } }],
    ['a suspended POD is stored and stands still already', { pod: podOf('suspended'), willRun: false }, { mode: 'stored', predictedDowntimeMs: 0 }],
    ['memory follows where the target says so, which is told', { target: { findings: [], needsEnvironment: false, memoryFollows: true } }, { memoryFollows: true, findings: [expect.objectContaining({ id: 'move/memory-follows', severity: 'note' })] }],
    ['memory comes first otherwise', {}, { memoryFollows: false }],
    ['memory of a suspended POD comes first', { pod: podOf('suspended'), willRun: true, target: { findings: [], needsEnvironment: false, memoryFollows: true } }, { memoryFollows: false, findings: [] }],
    ['a suspended POD that will run is live', { pod: podOf('suspended'), willRun: true }, { mode: 'live', predictedDowntimeMs: 0 }],
  ];
  it.each(table)('%s', (_name, change, expected) => expect(plan(change)).toMatchObject(expected));

  it('puts blockers first, and says each thing once', () => {
    const { findings } = plan({ source: { demand: demandOf(podOf('running')), findings: [note, warning], predictedFreezeMs: 1 }, target: { findings: [note, blocker], needsEnvironment: false } });
    expect(findings.map(({ id }) => id)).toEqual(['target/no-space', 'pod/x', 'pod/y']);
  });

  it('predicts by what moves between these hosts took', () => {
    const before = plan();
    const { predictedDowntimeMs: downtimeMs, predictedTotalMs: totalMs, predictedSentBytes: sentBytes } = before;
    const modelled = { downtimeMs, totalMs, sentBytes };
    const move = { pod: podOf('running').id, from: 'alpha', to: 'beta', memoryBytes: 80_000_000, modelled, seen: { downtimeMs: downtimeMs * 2, totalMs: totalMs * 3, sentBytes: sentBytes / 2 } };
    const after = plan({ past: [move, move, move, move] });
    expect(after.pastMoves).toBe(4);
    expect(after.predictedDowntimeMs / downtimeMs).toBeCloseTo(2, 0);
    expect(after.predictedTotalMs / totalMs).toBeCloseTo(3, 0);
    expect(after.predictedSentBytes / sentBytes).toBeCloseTo(0.5, 1);
  });

  it('predicts a shorter standstill when memory follows', () => {
    const source = { demand: { ...demandOf(podOf('running')), memoryBytes: 1e9 }, findings: [], predictedFreezeMs: 100 };
    expect(plan({ source, target: { findings: [], needsEnvironment: false, memoryFollows: true } }).predictedDowntimeMs).toBeLessThan(plan({ source }).predictedDowntimeMs - 900);
  });

  it('predicts a longer standstill for more memory', () => {
    const big = { ...demandOf(podOf('running')), memoryBytes: 4e9 };
    expect(plan({ source: { demand: big, findings: [], predictedFreezeMs: 100 } }).predictedDowntimeMs).toBeGreaterThan(plan().predictedDowntimeMs + 5000);
  });
});
