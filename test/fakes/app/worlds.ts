/** Worlds for a window to show: an empty one, a lived-in one, a very large one. */
import { defaultSettings, type Connection, type Host, type PodView, type Snapshot, type Task } from '../../../main/contract';

const HOUR_MS = 3_600_000;
export const nowMs = Date.now();
const iso = (agoMs: number): string => new Date(nowMs - agoMs).toISOString();
export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const environments: Host['environments'] = [
  { digest: digestOf('a'), names: ['desktop'], description: 'A small desktop with terminal, editor and file manager', createdAt: iso(90 * HOUR_MS), sizeBytes: 412e6, files: 18_400, hasDisplay: true, user: 'user' },
  { digest: digestOf('b'), names: ['shell'], description: 'Shell, compilers and the usual tools', createdAt: iso(90 * HOUR_MS), sizeBytes: 188e6, files: 9200, hasDisplay: false, user: 'user' },
  { digest: digestOf('c'), names: ['web'], description: 'nginx and PostgreSQL', createdAt: iso(30 * HOUR_MS), sizeBytes: 231e6, files: 10_100, hasDisplay: false, user: 'user' },
];

const steps = [
  { name: 'reach' as const, state: 'done' as const, ms: 12, detail: '' },
  { name: 'verify-key' as const, state: 'done' as const, ms: 3, detail: 'ssh-ed25519' },
  { name: 'authenticate' as const, state: 'done' as const, ms: 41, detail: 'the agent\'s key anna@desk' },
  { name: 'start-helper' as const, state: 'done' as const, ms: 96 },
];
const ready = (): Connection => ({ kind: 'ready', sinceMs: nowMs - 2 * HOUR_MS, helperVersion: '0.1.0', steps });

export function makeHost(name: string, more: Partial<Host> = {}): Host {
  return {
    name,
    isLocal: false,
    isLab: false,
    address: `anna@${name}.example:22`,
    jumps: [],
    isFromSshConfig: true,
    connection: ready(),
    facts: { hostname: name, arch: 'x86_64', kernel: '6.12.9', cpuModel: 'AMD Ryzen 9 7950X', cpus: 16, memoryTotalBytes: 64e9, diskFreeBytes: 812e9, criuVersion: '4.2', addresses: ['192.168.1.20'], limitControllers: ['cpu', 'memory', 'pids'] },
    diagnosis: {
      atMs: nowMs - 9 * 60_000,
      isFit: true,
      findings: [
        { id: 'host/clock', severity: 'warning', message: `The clock of ${name} is not kept by NTP.`, hint: 'Start systemd-timesyncd.', canFix: true },
        { id: 'pair/not-asked', severity: 'note', message: 'gamma could not be asked: it is not reachable.' },
      ],
    },
    environments,
    ...more,
  };
}

export function podId(number: number): string {
  return number.toString(16).padStart(12, '0');
}

export function makePod(number: number, name: string, host: string, more: Partial<PodView> = {}): PodView {
  const hasDisplay = more.hasDisplay ?? true;
  const environment = hasDisplay ? environments[0]! : environments[1]!;
  return {
    id: podId(number),
    name,
    host,
    isStale: false,
    state: { kind: 'running', since: iso((number % 60) * HOUR_MS + 1_260_000) },
    environment: { digest: environment.digest, name: environment.names[0]! },
    network: { profile: 'nat' },
    address: `10.77.0.${(number % 250) + 2}`,
    mac: `02:00:00:00:00:${(number % 256).toString(16).padStart(2, '0')}`,
    limits: {},
    hasDisplay,
    owner: 'anna',
    createdAt: iso(200 * HOUR_MS),
    ...more,
  };
}

export function doneMove(pod: PodView, from: string): Task {
  return {
    id: `move-${pod.name}`,
    kind: 'pod.move',
    subject: { pod: pod.id, podName: pod.name, from, to: pod.host },
    createdAtMs: nowMs - HOUR_MS / 3,
    endedAtMs: nowMs - HOUR_MS / 3 + 2100,
    state: {
      kind: 'done',
      outcome: {
        downtimeMs: 284,
        totalMs: 2104,
        bytes: { memory: 148e6, layer: 22e6, sent: 96e6 },
        steps: [
          { name: 'files', ms: 310 },
          { name: 'memory', ms: 1290 },
          { name: 'freeze and dump', ms: 102 },
          { name: 'send memory', ms: 61 },
          { name: 'restore', ms: 118 },
        ],
      },
    },
    canCancel: false,
    canRepeat: false,
  };
}

export function snapshotOf(parts: Partial<Snapshot>): Snapshot {
  return {
    revision: 1,
    hosts: [],
    suggestions: [],
    pods: [],
    recipes: [{ name: 'desktop-xfce', description: 'Xfce with a browser', hasDisplay: true }],
    tasks: [],
    prompts: [],
    settings: { ...defaultSettings, locale: 'en' },
    app: { version: '0.1.0', platform: 'linux', canRememberSecrets: true },
    ...parts,
  };
}

const local = (): Host => makeHost('local', { isLocal: true, address: undefined, connection: { kind: 'idle' }, facts: null, diagnosis: null, environments: [], isFromSshConfig: false });

export const suggestions: Snapshot['suggestions'] = [
  { alias: 'alpha', address: 'anna@alpha.example:22', jumps: [] },
  { alias: 'beta', address: 'anna@beta.example:22', jumps: [] },
  { alias: 'build-farm', address: 'ci@10.0.4.7:2222', jumps: ['gate.example'] },
];

export function emptyWorld(): Snapshot {
  return snapshotOf({ hosts: [local()], suggestions });
}

export function demoWorld(): Snapshot {
  const research = makePod(1, 'research', 'alpha');
  const failed = { code: 'host/unreachable', message: 'delta does not answer (192.168.1.44:22).', hint: 'Is it on, and in this network?', evidence: ['connect ETIMEDOUT 192.168.1.44:22'] };
  return snapshotOf({
    hosts: [
      makeHost('alpha'),
      makeHost('beta', { address: 'anna@beta.example:2222' }),
      makeHost('gamma', { facts: { ...makeHost('gamma').facts!, arch: 'aarch64', cpuModel: 'Ampere Altra', cpus: 80 } }),
      makeHost('delta', {
        connection: { kind: 'failed', error: failed, atMs: nowMs - 40_000, steps: [{ name: 'reach', state: 'failed', detail: 'timed out' }, { name: 'verify-key', state: 'waiting' }, { name: 'authenticate', state: 'waiting' }, { name: 'start-helper', state: 'waiting' }] },
      }),
      local(),
    ],
    suggestions: suggestions.slice(2),
    pods: [
      research,
      makePod(2, 'mail', 'alpha', { hasDisplay: false, network: { profile: 'lan', address: '192.168.1.61', prefixLength: 24 }, address: '192.168.1.61' }),
      makePod(3, 'notebook', 'beta'),
      makePod(4, 'shop', 'beta', { hasDisplay: false }),
      makePod(5, 'archive', 'beta', { hasDisplay: false, state: { kind: 'suspended', at: iso(52 * HOUR_MS), sizeBytes: 431e6 }, address: undefined }),
      makePod(6, 'sandbox', 'gamma', { hasDisplay: false, state: { kind: 'exited', at: iso(HOUR_MS) }, address: undefined }),
      makePod(7, 'ledger', 'delta', { hasDisplay: false, isStale: true }),
      makePod(8, 'parser', 'alpha', { hasDisplay: false, state: { kind: 'in-doubt', role: 'target', transfer: '0'.repeat(16), reason: 'beta has not said whether it committed the move.' }, address: undefined }),
    ],
    tasks: [
      doneMove(research, 'beta'),
      {
        id: 'doctor-alpha',
        kind: 'host.doctor',
        subject: { host: 'alpha' },
        createdAtMs: nowMs - 9 * 60_000,
        endedAtMs: nowMs - 9 * 60_000 + 1900,
        state: { kind: 'done', outcome: { totalMs: 1900 } },
        canCancel: false,
        canRepeat: true,
      },
    ],
  });
}

export function largeWorld(hostCount: number, podCount: number): Snapshot {
  const names = Array.from({ length: hostCount }, (_, index) => `node-${String(index + 1).padStart(2, '0')}`);
  return snapshotOf({
    hosts: names.map((name) => makeHost(name)),
    pods: Array.from({ length: podCount }, (_, index) => makePod(index + 1, `session-${String(index + 1).padStart(3, '0')}`, names[index % hostCount]!, { hasDisplay: index % 3 === 0 })),
  });
}
