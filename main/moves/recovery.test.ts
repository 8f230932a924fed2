import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Output } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import { podOf } from '../../test/fakes/nouns';
import { wireHelper, wireTransport, type Answers } from '../../test/fakes/wire-helper';
import { connectHelper } from '../helper-client/connect';
import type { Fleet } from '../helper-client/fleet';
import type { Pod } from '../pods/locate';
import { Errands } from './errands';
import { decideDoubt } from './recovery';
import { listSettled } from './settle';

const doubted = podOf('in-doubt');
const atSource = podOf('in-doubt', { state: { ...doubted.state, role: 'source' } as Pod['state'] });
const unknown = { source: 'unknown', target: 'unknown' } as const;

let zapHome: string;
beforeEach(() => (zapHome = mkdtempSync(join(tmpdir(), 'zap-recovery-'))));
afterEach(() => rmSync(zapHome, { recursive: true, force: true }));

/** A source that was away, and a target with a copy in this phase. */
function hosts(phase: Output<'transfer.outcome'>['target']) {
  const told: unknown[] = [];
  let copy: Pod | undefined = doubted;
  let original: Pod = atSource;
  const answers: Record<string, Answers> = {
    alpha: {
      'pod.list': () => ({ pods: [original] }),
      'transfer.outcome': () => ({ source: original === atSource ? 'committed' : 'abort', target: 'unknown' }),
      'transfer.tell': ({ word }) => {
        told.push(word);
        original = podOf('lost');
        return { answer: null };
      },
    },
    beta: {
      'pod.list': () => ({ pods: copy ? [copy] : [] }),
      'transfer.outcome': () => (copy ? { source: 'unknown', target: phase } : unknown),
      'pod.recover': ({ decision }) => {
        copy = decision === 'run-here' ? podOf('running') : undefined;
        return { pod: copy ?? null };
      },
    },
  };
  const client = async (host: string) => connectHelper(wireTransport(() => wireHelper(answers[host]!).process), { host, executable: { path: '', sha256: 'a'.repeat(64), sizeBytes: 1 }, isLocal: false });
  const askAll: Fleet['askAll'] = async (ask, { hosts: asked = ['alpha', 'beta'] } = {}) => ({ answers: await Promise.all(asked.map(async (host) => ({ host, value: await ask(await client(host)) }))), failures: [] });
  return { fleet: { client, askAll, inventory: { zapHome } } as unknown as Fleet, told, goOn: () => (original = podOf('running')) };
}

describe('a person\'s decision about a copy that has arrived', () => {
  it('lets it run where it is', async () => {
    const { fleet } = hosts('restored');
    expect(await decideDoubt(fleet, { host: 'beta', pod: doubted }, 'run-here')).toMatchObject({ state: { kind: 'running' } });
  });

  it('lets it run, and its source had gone on: that is told so', async () => {
    const { fleet, told, goOn } = hosts('restored');
    await decideDoubt(fleet, { host: 'beta', pod: doubted }, 'run-here');
    told.length = 0;
    goOn();
    await listSettled(fleet);
    expect(told).toEqual(['let-run']);
  });

  it('is carried to its source when that is back: the copy was given up, and never ran', async () => {
    const { fleet, told } = hosts('restored');
    expect(await decideDoubt(fleet, { host: 'beta', pod: doubted }, 'discard-here')).toBeNull();
    expect((await listSettled(fleet)).pods.map(({ host, pod }) => [host, pod.state.kind])).toEqual([['alpha', 'lost']]);
    expect(told).toEqual(['gone']);
  });

  it('is not carried when the copy may have run: then a person decides at the source too', async () => {
    const { fleet, told } = hosts('resuming');
    expect(await decideDoubt(fleet, { host: 'beta', pod: doubted }, 'discard-here')).toBeNull();
    expect((await listSettled(fleet)).pods).toMatchObject([{ host: 'alpha', pod: { state: { kind: 'in-doubt' } } }]);
    expect(told).toEqual([]);
  });

  it('is not made up: of a host that knows nothing, and was told nothing, the source hears nothing', async () => {
    const { fleet, told } = hosts('restored');
    await decideDoubt(fleet, { host: 'beta', pod: doubted }, 'discard-here');
    for (const text of ['', 'not JSON', '{"version":2}']) {
      writeFileSync(join(zapHome, 'errands.json'), text);
      await listSettled(fleet);
    }
    expect(told).toEqual([]);
  });
});

describe('the end of a move that its target has not heard of', () => {
  const transfer = 'fedcba9876543210';
  /** The answer is kept as long as `heard` was not said; beta is away at first. */
  function ended() {
    const told: unknown[] = [];
    let isAway = true;
    const answers: Record<string, Answers> = {
      alpha: { 'pod.list': () => ({ pods: [] }), 'transfer.outcome': () => unknown },
      beta: {
        'pod.list': () => ({ pods: [podOf('running')] }),
        'transfer.outcome': () => ({ source: 'unknown', target: told.length === 0 ? 'settled' : 'unknown' }),
        'transfer.tell': ({ word }) => {
          told.push(word);
          return { answer: null };
        },
      },
    };
    const client = async (host: string) => connectHelper(wireTransport(() => wireHelper(answers[host]!).process), { host, executable: { path: '', sha256: 'a'.repeat(64), sizeBytes: 1 }, isLocal: false });
    const askAll: Fleet['askAll'] = async (ask, { hosts: asked = ['alpha', 'beta'] } = {}) => {
      const [there, away] = [asked.filter((host) => !isAway || host === 'alpha'), asked.filter((host) => isAway && host === 'beta')];
      return { answers: await Promise.all(there.map(async (host) => ({ host, value: await ask(await client(host)) }))), failures: away.map((host) => ({ host, error: new ZapError('host/unreachable', 'away') })) };
    };
    return { fleet: { client, askAll, inventory: { zapHome } } as unknown as Fleet, told, comeBack: () => (isAway = false) };
  }

  it('is carried there when it is back, once', async () => {
    const { fleet, told, comeBack } = ended();
    const errands = new Errands(zapHome);
    await errands.unheard({ transfer, pod: doubted.id, hosts: ['alpha', 'beta'] });
    await listSettled(fleet);
    expect(told).toEqual([]);
    expect(await errands.unheardEnds()).toHaveLength(1);
    comeBack();
    await listSettled(fleet);
    expect(told).toEqual(['heard']);
    expect(await errands.unheardEnds()).toEqual([]);
    await listSettled(fleet);
    expect(told).toEqual(['heard']);
  });
});
