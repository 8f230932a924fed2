import { afterEach, describe, expect, it } from 'vitest';
import type { PodSample, PodView } from '../contract';
import type { HelperClient } from '../helper-client/client';
import { Sampler } from './sampler';

const pod = (id: string, over: Partial<PodView> = {}): PodView => ({ id, name: 'p', host: 'alpha', isStale: false, state: { kind: 'running', since: 's' }, ...over }) as PodView;
const usage = (cpuSeconds: number) => ({ processes: 3, threads: 3, memoryBytes: 10, layerBytes: 20, layerFiles: 1, tcpConnections: 0, cpuSeconds });
let sampler: Sampler;

afterEach(() => sampler[Symbol.dispose]());

function samplerOf(pods: PodView[], seconds: () => number, isWatched = true): { asked: string[]; samples: PodSample[][] } {
  const [asked, samples]: [string[], PodSample[][]] = [[], []];
  const client = { call: async (_method: string, { pod: id }: { pod: string }) => (asked.push(id), { usage: usage(seconds()) }) } as unknown as HelperClient;
  sampler = new Sampler({ pods: () => pods, client: () => client, isWatched: () => isWatched, onSamples: (those) => samples.push(those) });
  return { asked, samples };
}

describe('Sampler', () => {
  it('measures what runs and is in reach, and nothing that is being worked on', async () => {
    const { asked } = samplerOf([pod('a'), pod('b', { isStale: true }), pod('c', { state: { kind: 'suspended', at: 'a', sizeBytes: 1 } }), pod('d', { task: 't-1' })], () => 1);
    await sampler.round();
    expect(asked).toEqual(['a']);
  });

  it('gives the share of a processor since the time before; after a move the count begins anew', async () => {
    const seconds = [10, 12, 0.5];
    const { samples } = samplerOf([pod('a')], () => seconds.shift()!);
    for (let round = 0; round < 3; round++) await sampler.round();
    const shares = samples.map(([sample]) => sample!.cpuShare);
    expect([shares[0], shares[1]! > 0, shares[2]]).toEqual([0, true, 0]);
    expect(sampler.of('a')).toHaveLength(3);
  });

  it('rests while nobody looks, and looks at once at what is new', async () => {
    const quiet = samplerOf([pod('a')], () => 1, false);
    await sampler.round();
    expect(quiet.asked).toEqual([]);
    sampler[Symbol.dispose]();
    const { asked } = samplerOf([pod('a')], () => 1);
    sampler.notice([pod('a')]);
    await sampler.round();
    await new Promise((resolve) => setTimeout(resolve, 5));
    sampler.notice([pod('a')]);
    expect(asked).toEqual(['a']);
  });
});
