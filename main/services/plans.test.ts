import { describe, expect, it } from 'vitest';
import { Plan, type PodView } from '../contract';
import { quickPlan, type QuickFacts } from './plans';

const digest = `sha256:${'0'.repeat(64)}`;
const environment = { digest, names: ['e'], description: '', createdAt: '', sizeBytes: 1000, files: 1, hasDisplay: false, user: 'u' };
const pod: PodView = { id: '0123456789ab', name: 'desk', host: 'alpha', isStale: false, state: { kind: 'running', since: 's' }, environment: { digest, name: 'e' }, network: { profile: 'lan', address: '10.0.0.9', prefixLength: 24 }, mac: '02:00:00:00:00:01', limits: {}, hasDisplay: false, owner: 'o', createdAt: 'c' };
const sample = { pod: pod.id, atMs: 1, cpuShare: 0, memoryBytes: 100 << 20, layerBytes: 50, processes: 10, connections: 0 };
const facts: QuickFacts = { pod, to: 'beta', pair: { kind: 'known', findings: [], ageMs: 0 }, isToReady: true, isFromReady: true, fromKnown: { environments: [environment] }, toKnown: { environments: [environment], facts: null }, lastSample: sample, podsThere: [] };
const plan = (over: Partial<QuickFacts> = {}): Plan => Plan.parse(quickPlan({ ...facts, ...over }));

describe('quickPlan', () => {
  it('says what will be sent and how long the pause is, as far as it is known', () => {
    expect(plan()).toMatchObject({ verdict: 'ready', mode: 'live', isExact: false, needsEnvironment: false, predictedBytes: { memory: 100 << 20, layer: 50, environment: 0 } });
    expect(plan().predictedDowntimeMs).toBeGreaterThan(100);
    expect(plan({ toKnown: { environments: [], facts: null } })).toMatchObject({ needsEnvironment: true, predictedBytes: { environment: 1000 } });
    expect(plan({ pod: { ...pod, state: { kind: 'suspended', at: 'a', sizeBytes: 77 } }, lastSample: undefined })).toMatchObject({ mode: 'stored', predictedDowntimeMs: 0, predictedBytes: { memory: 77 } });
  });

  it('makes nothing up about a POD that nobody has measured yet', () => {
    for (const lastSample of [undefined, { ...sample, memoryBytes: 0 }]) expect(plan({ lastSample })).toMatchObject({ verdict: 'ready', predictedBytes: null, predictedDowntimeMs: null });
  });

  it.each([
    ['is there already', { to: 'alpha' }, 'same', undefined],
    ['warns', { pair: { kind: 'known', findings: [{ id: 'pair/clocks', severity: 'warning', message: 'm' }], ageMs: 0 } }, 'warnings', 'pair/clocks'],
    ['cannot, says the pair', { pair: { kind: 'known', findings: [{ id: 'n', severity: 'note', message: 'm' }, { id: 'pair/architecture', severity: 'blocker', message: 'm' }], ageMs: 0 } }, 'impossible', 'pair/architecture'],
    ['is not known yet', { pair: { kind: 'unknown', missing: ['beta'] } }, 'unknown', undefined],
    ['is not connected', { isToReady: false, toTrouble: 'It refuses.', pair: { kind: 'unknown', missing: [] } }, 'impossible', 'plan/not-connected'],
    ['cannot be left', { isFromReady: false }, 'impossible', 'plan/source-not-connected'],
    ['is being worked on', { pod: { ...pod, task: 't-1' } }, 'impossible', 'plan/pod-busy'],
    ['has ended', { pod: { ...pod, state: { kind: 'exited', at: 'a' } } }, 'impossible', 'plan/pod-state'],
    ['meets its name', { podsThere: [{ ...pod, id: '00000000000f', network: { profile: 'none' } }] }, 'impossible', 'plan/name-taken'],
    ['meets its address', { podsThere: [{ ...pod, id: '00000000000f', name: 'other' }] }, 'impossible', 'plan/address-taken'],
    ['meets little memory', { toSample: { host: 'beta', atMs: 1, loadAverage: 0, memoryFreeBytes: 1000 } }, 'warnings', 'plan/little-memory'],
  ] as [string, Partial<QuickFacts>, Plan['verdict'], string | undefined][])('%s', (_what, over, verdict, finding) => {
    const made = plan(over);
    expect([made.verdict, made.findings[0]?.id]).toEqual([verdict, finding]);
  });

  it('gives the words of the host that does not answer', () => {
    expect(plan({ isToReady: false, toTrouble: 'beta refuses the connection.' }).findings[0]!.message).toBe('beta refuses the connection.');
  });
});
