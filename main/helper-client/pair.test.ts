import { describe, expect, it, vi } from 'vitest';
import type { Output } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import { factsOf } from '../../test/fakes/nouns';
import { wireHelper, wireTransport } from '../../test/fakes/wire-helper';
import { connectHelper } from './connect';
import { diagnose } from './doctor';
import { FactsCache } from './facts-cache';
import type { Fleet } from './fleet';
import { pairFindings, type KnownFacts } from './pair';
import type { HelperClient } from './client';

const known = (host: string, change: Partial<KnownFacts['facts']> = {}, offsetMs = 0): KnownFacts => ({ host, facts: factsOf(change), offsetMs, errorMs: 5 });
const avx = ['sse4_2', 'avx512f', 'hypervisor'];

describe('pairFindings', () => {
  it.each<[string, KnownFacts, KnownFacts, { id: string; severity: string; message: RegExp }[]]>([
    ['two hosts alike', known('alpha'), known('beta'), []],
    ['a processor that lacks instructions', known('alpha', { cpuFlags: avx }), known('beta', { cpuFlags: ['sse4_2'] }), [{ id: 'pair/cpu-features', severity: 'warning', message: /beta's processor lacks avx512f, which alpha's has/ }]],
    ['a processor that has more', known('alpha', { cpuFlags: ['sse4_2'] }), known('beta', { cpuFlags: avx }), []],
    ['flags that are no instructions', known('alpha', { cpuFlags: ['hypervisor', 'nonstop_tsc'] }), known('beta'), []],
    ['another architecture', known('alpha', { cpuFlags: avx }), known('beta', { arch: 'arm64' }), [{ id: 'pair/architecture', severity: 'blocker', message: /beta is arm64 and alpha is x64/ }]],
    ['a clock behind', known('alpha'), known('beta', {}, -3000), [{ id: 'pair/clocks', severity: 'warning', message: /clock of beta is 3\.0 s behind that of alpha/ }]],
    ['clocks that differ by less than can be known', known('alpha'), known('beta', {}, 1005), []],
    ['a host that is unfit by itself', known('alpha'), known('beta', { findings: [{ id: 'program-missing', severity: 'blocker', message: 'No runc.' }] }), [{ id: 'pair/host-unfit', severity: 'blocker', message: /beta is not fit: No runc/ }]],
  ])('%s', (_name, from, to, expected) => {
    const findings = pairFindings(from, to);
    expect(findings.map(({ id, severity }) => ({ id, severity }))).toEqual(expected.map(({ id, severity }) => ({ id, severity })));
    expected.forEach(({ message }, index) => expect(findings[index]!.message).toMatch(message));
  });
});

/** Hosts whose facts can be changed and counted; one that is not listed cannot be reached. */
function hosts(facts: Record<string, Partial<KnownFacts['facts']>>, selftest: () => Output<'host.selftest'> = () => ({ findings: [{ id: 'selftest', severity: 'note', message: 'Fine.' }] }), cpu: () => Output<'preflight.cpu'> = () => ({ uses: [] })): { fleet: Fleet; asked: string[] } {
  const asked: string[] = [];
  const client = async (host: string): Promise<HelperClient> => {
    const helper = wireHelper({
      'host.facts': () => {
        asked.push(host);
        return factsOf(facts[host]!);
      },
      'host.selftest': selftest,
      'preflight.cpu': cpu,
      'transfer.receive': async (_params, { signal, event }) => {
        event({ listening: { addresses: [], port: 9 } });
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return { pod: null };
      },
    });
    if (!facts[host]) throw new Error('unreachable');
    return connectHelper(wireTransport(() => helper.process), { host, executable: { path: '', sha256: 'a'.repeat(64), sizeBytes: 1 }, isLocal: false });
  };
  return { fleet: { client } as unknown as Fleet, asked };
}

describe('FactsCache', () => {
  it('asks once while facts are fresh, and answers for pairs at once', async () => {
    const { fleet, asked } = hosts({ alpha: { cpuFlags: avx }, beta: {} });
    const cache = new FactsCache(fleet);
    expect(cache.pair('alpha', 'beta')).toEqual({ kind: 'unknown', missing: ['alpha', 'beta'] });
    await Promise.all([cache.get('alpha'), cache.get('alpha'), cache.get('beta')]);
    const startMs = performance.now();
    const answer = cache.pair('alpha', 'beta');
    expect(performance.now() - startMs).toBeLessThan(50);
    expect(answer).toMatchObject({ kind: 'known', findings: [{ id: 'pair/cpu-features' }] });
    expect(asked.sort()).toEqual(['alpha', 'beta']);
    await cache.get('alpha', { isForced: true });
    expect(asked).toHaveLength(3);
  });

  it('names the programs of a POD that miss something, once they are known', async () => {
    const uses = [{ flag: 'avx512f', programs: ['bash', 'sleep', 'sleep'] }];
    const { fleet, asked } = hosts({ alpha: { cpuFlags: avx }, beta: {} }, undefined, () => ({ uses }));
    const cache = new FactsCache(fleet);
    await Promise.all([cache.get('alpha'), cache.get('beta')]);
    expect(cache.pair('alpha', 'beta', '00000000000a')).toMatchObject({ kind: 'known', findings: [{ id: 'pair/cpu-features', severity: 'warning' }] });
    await vi.waitFor(() => expect(cache.pair('alpha', 'beta', '00000000000a')).toMatchObject({ findings: expect.arrayContaining([expect.objectContaining({ id: 'cpu-features', severity: 'blocker', message: "beta's CPU lacks avx512f, which 3 programs of this POD use (bash, sleep)." })]) }));
    expect(cache.pair('alpha', 'beta')).toMatchObject({ findings: [{ id: 'pair/cpu-features' }] });
    expect(asked).toHaveLength(2);
  });

  it('asks again for what is old, and forgets a host that is gone', async () => {
    const facts: Record<string, Partial<KnownFacts['facts']>> = { alpha: {}, beta: {} };
    const { fleet, asked } = hosts(facts);
    const cache = new FactsCache(fleet, 0);
    await Promise.all([cache.get('alpha'), cache.get('beta')]);
    expect(cache.pair('alpha', 'beta')).toMatchObject({ kind: 'known', findings: [] });
    await Promise.all([cache.get('alpha'), cache.get('beta')]);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    delete facts['beta'];
    await expect(cache.get('beta')).rejects.toThrow('unreachable');
    expect(cache.pair('alpha', 'beta')).toEqual({ kind: 'unknown', missing: ['beta'] });
  });
});

describe('diagnose', () => {
  it('puts what forbids first, and does not blame a host for its neighbours', async () => {
    const { fleet } = hosts({ alpha: {}, beta: { arch: 'arm64', findings: [{ id: 'x', severity: 'blocker', message: 'Ill.' }] } });
    const { isFit, findings } = await diagnose(fleet, 'alpha', { others: ['beta', 'gone'] });
    expect(isFit).toBe(true);
    expect(findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual(expect.arrayContaining(['blocker pair/architecture', 'blocker pair/host-unfit', 'note pair/not-asked', 'note selftest']));
    expect(findings[0]!.severity).toBe('blocker');
    expect((await diagnose(fleet, 'beta', { others: [] })).isFit).toBe(false);
  });

  it('finds a CRIU that does not work, instead of failing', async () => {
    const { fleet } = hosts({ alpha: {} }, () => {
      throw new ZapError('criu/not-installed', 'No CRIU.', { hint: 'Install it.' });
    });
    expect(await diagnose(fleet, 'alpha', { others: [] })).toMatchObject({ isFit: false, findings: [{ id: 'selftest', severity: 'blocker', message: 'No CRIU.', hint: 'Install it.' }] });
  });
});
