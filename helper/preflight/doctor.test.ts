import { describe, expect, it } from 'vitest';
import { missingRights, missingTools, tools } from './doctor';
import { scarcity } from './facts';

const all = 'CapEff:\t000001ffffffffff\nSeccomp:\t0\n';
const none = (): undefined => undefined;

describe('missingRights', () => {
  it('has nothing to say about ordinary root', () => expect(missingRights(all, none)).toEqual([]));

  it.each([
    ['CAP_SYS_ADMIN', '000001ffffdfffff', 'blocker'],
    ['CAP_NET_ADMIN', '000001ffffffefff', 'blocker'],
    ['CAP_SYS_PTRACE', '000001fffff7ffff', 'blocker'],
    ['CAP_SYS_RESOURCE', '000001fffeffffff', 'note'],
  ])('misses %s', (capability, effective, severity) => {
    expect(missingRights(`CapEff:\t${effective}\nSeccomp:\t0\n`, none)).toMatchObject([{ id: 'rights/capability', severity, data: { capability } }]);
  });

  it('tells a seccomp filter, and AppArmor\'s restriction', () => {
    expect(missingRights(all.replace('Seccomp:\t0', 'Seccomp:\t2'), none)).toMatchObject([{ id: 'rights/seccomp', severity: 'warning' }]);
    expect(missingRights(all, () => '1\n')).toMatchObject([{ id: 'rights/apparmor-userns', severity: 'warning' }]);
    expect(missingRights(all, () => '0\n')).toEqual([]);
  });
});

describe('missingTools', () => {
  it('names the package that brings each, for every package manager', () => {
    const findings = missingTools((program) => program !== 'ip' && program !== 'arping');
    expect(findings).toMatchObject([
      { id: 'program-missing', severity: 'blocker', data: { program: 'ip', packages: { apt: 'iproute2', dnf: 'iproute' } } },
      { severity: 'note', data: { program: 'arping', packages: { apt: 'iputils-arping' } } },
    ]);
    expect(missingTools(() => true)).toEqual([]);
    expect(missingTools(() => false)).toHaveLength(tools.length);
  });
});

describe('scarcity', () => {
  it.each([
    [10 * 2 ** 30, []],
    [2 ** 30, ['warning']],
    [1000, ['blocker']],
  ])('%d bytes of disk', (freeBytes, severities) => expect(scarcity('disk', 'room', freeBytes).map(({ severity }) => severity)).toEqual(severities));
});
