/** Plain PODs, demands and facts for tests that decide about them. */
import type { Facts, Output } from '../../helper/protocol/contract';

type Pod = Output<'pod.list'>['pods'][number];
type Demand = Output<'preflight.source'>['demand'];

const states: Record<Pod['state']['kind'], Pod['state']> = {
  running: { kind: 'running', since: '2026-01-01T00:00:00Z' },
  exited: { kind: 'exited', at: '2026-01-01T00:00:00Z' },
  suspended: { kind: 'suspended', at: '2026-01-01T00:00:00Z', sizeBytes: 1 },
  moving: { kind: 'moving', role: 'source', transfer: '0123456789abcdef', phase: 'freeze' },
  lost: { kind: 'lost', reason: 'the host restarted' },
  'in-doubt': { kind: 'in-doubt', role: 'target', transfer: '0123456789abcdef', reason: 'the source is silent' },
};

const digest = `sha256:${'0'.repeat(64)}`;

export function podOf(state: Pod['state']['kind'], change: Partial<Pod> = {}): Pod {
  return {
    id: '00000000000a', name: 'desk', state: states[state], environment: { digest, name: 'desktop' }, network: { profile: 'nat' }, mac: '02:00:00:00:00:01', limits: {}, hasDisplay: true, owner: 'zap', createdAt: '2026-01-01T00:00:00Z', ...change,
  };
}

export function demandOf(pod: Pod): Demand {
  return {
    id: pod.id, name: pod.name, environment: { digest, name: 'desktop', sizeBytes: 500 }, network: pod.network, mac: pod.mac, uidBase: 100_000, limits: {}, memoryBytes: 80_000_000, layerBytes: 1000, cpuFlags: [], isClone: false, willRun: true,
  };
}

export function factsOf(change: Partial<Facts>): Facts {
  return {
    hostname: 'h', bootId: 'b', arch: 'x64', kernel: '6.18.0', cpuModel: 'cpu', cpuFlags: [], cpus: 2, loadAverage: 0, memoryTotalBytes: 1e10, memoryFreeBytes: 1e10, diskFreeBytes: 1e10, clockMs: Date.now(),
    criu: { path: '/usr/sbin/criu', version: '4.2.1' }, addresses: [], limitControllers: [], findings: [], ...change,
  };
}
