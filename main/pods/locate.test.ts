import { describe, expect, it } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import { choosePod, type LocatedPod, type Pod } from './locate';

const states = {
  running: { kind: 'running', since: '2026-01-01T00:00:00Z' },
  source: { kind: 'moving', role: 'source', transfer: '0123456789abcdef', phase: 'freeze' },
  target: { kind: 'moving', role: 'target', transfer: '0123456789abcdef', phase: 'freeze' },
  suspended: { kind: 'suspended', at: '2026-01-01T00:00:00Z', sizeBytes: 1 },
  inDoubt: { kind: 'in-doubt', role: 'target', transfer: '0123456789abcdef', reason: 'r' },
  lost: { kind: 'lost', reason: 'r' },
} satisfies Record<string, Pod['state']>;

function at(host: string, name: string, id: string, state: keyof typeof states): LocatedPod {
  const pod: Pod = {
    id, name, state: states[state], environment: { digest: `sha256:${'0'.repeat(64)}`, name: 'shell' }, network: { profile: 'none' }, mac: '02:00:00:00:00:01', limits: {}, hasDisplay: false, owner: 'zap', createdAt: '2026-01-01T00:00:00Z',
  };
  return { host, pod };
}

describe('choosePod', () => {
  const a = '00000000000a';
  const b = '00000000000b';
  const table: [name: string, pods: LocatedPod[], ref: string, host: string][] = [
    ['by name', [at('alpha', 'desk', a, 'running'), at('beta', 'web', b, 'running')], 'web', 'beta'],
    ['by id', [at('alpha', 'desk', a, 'running'), at('beta', 'desk', b, 'running')], b, 'beta'],
    ['an id goes before a name that looks like it', [at('alpha', b, a, 'running'), at('beta', 'web', b, 'running')], b, 'beta'],
    ['the source of a move', [at('alpha', 'desk', a, 'target'), at('beta', 'desk', a, 'source')], 'desk', 'beta'],
    ['the target once it runs there', [at('alpha', 'desk', a, 'running'), at('beta', 'desk', a, 'source')], 'desk', 'alpha'],
    ['a running one before one in doubt', [at('alpha', 'desk', a, 'inDoubt'), at('beta', 'desk', a, 'running')], 'desk', 'beta'],
    ['a suspended one before one that is lost', [at('alpha', 'desk', a, 'lost'), at('beta', 'desk', a, 'suspended')], 'desk', 'beta'],
  ];
  it.each(table)('%s', (_name, pods, ref, host) => expect(choosePod({ pods, failures: [] }, ref).host).toBe(host));

  it('does not guess between two PODs of one name', () => {
    expect(() => choosePod({ pods: [at('alpha', 'desk', a, 'running'), at('beta', 'desk', b, 'running')], failures: [] }, 'desk')).toThrow(/Several/);
  });

  it('says which hosts could not be asked', () => {
    const failures = [{ host: 'beta', error: new ZapError('host/timeout', 'beta did not answer.') }];
    expect(() => choosePod({ pods: [], failures }, 'desk')).toThrow(/beta could not be asked/);
  });
});
