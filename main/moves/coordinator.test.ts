import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Input } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import { demandOf, factsOf, podOf } from '../../test/fakes/nouns';
import { wireHelper, wireTransport, type Answers, type WireHelper } from '../../test/fakes/wire-helper';
import { HelperClient } from '../helper-client/client';
import { connectHelper } from '../helper-client/connect';
import type { Fleet } from '../helper-client/fleet';
import { listPods, type Pod } from '../pods/locate';
import { clonePod, movePod, planOnly } from './coordinator';
import { Errands } from './errands';

let zapHome: string;
beforeEach(() => (zapHome = mkdtempSync(join(tmpdir(), 'zap-coordinator-'))));
afterEach(() => rmSync(zapHome, { recursive: true, force: true }));

/** Two hosts at the wire. A host that was lost comes back with the answers it then has. */
function twoHosts(answers: Record<'alpha' | 'beta', Answers>) {
  const helpers: Record<string, WireHelper> = {};
  const clients = new Map<string, Promise<HelperClient>>();
  const client = (host: string): Promise<HelperClient> => {
    let open = clients.get(host);
    if (!open) {
      helpers[host] = wireHelper(answers[host as 'alpha' | 'beta']);
      open = connectHelper(wireTransport(() => helpers[host]!.process), { host, executable: { path: '', sha256: 'a'.repeat(64), sizeBytes: 1 }, isLocal: false });
      void open.then(({ closed }) => closed.then(() => clients.delete(host)));
      clients.set(host, open);
    }
    return open;
  };
  const askAll: Fleet['askAll'] = async (ask, { hosts = ['alpha', 'beta'] } = {}) => ({ answers: await Promise.all(hosts.map(async (host) => ({ host, value: await ask(await client(host)) }))), failures: [] });
  return { fleet: { client, askAll, hosts: ['alpha', 'beta'], inventory: { zapHome } } as unknown as Fleet, helpers };
}

function readAll(stream: Readable): Promise<string> {
  let text = '';
  stream.on('data', (chunk) => (text += String(chunk)));
  return new Promise((resolve) => stream.once('end', () => resolve(text)));
}

const pod = podOf('running');
const result = { pod, mode: 'live' as const, downtimeMs: 120, totalMs: 900, bytes: { memory: 1, layer: 2, sent: 3 }, steps: [{ name: 'freeze', ms: 20 }] };

/** Two hosts between which `pod` moves without trouble, and a note of what was asked. */
function goodHosts(change: { alpha?: Answers; beta?: Answers } = {}) {
  const asked: { send: Input<'transfer.send'>[]; receive: Input<'transfer.receive'>[] } = { send: [], receive: [] };
  let pods: { alpha: Pod[]; beta: Pod[] } = { alpha: [pod], beta: [] };
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const answers: Record<'alpha' | 'beta', Answers> = {
    alpha: {
      'pod.list': () => ({ pods: pods.alpha }),
      'host.facts': () => factsOf({}),
      'preflight.source': () => ({ demand: demandOf(pod), findings: [], predictedFreezeMs: 50 }),
      'transfer.send': (params, context) => {
        asked.send.push(params);
        context.event({ phase: 'freeze', bytes: 1, totalBytes: 2 });
        pods = { alpha: [], beta: [pod] };
        finish();
        return params.job.kind === 'environment' ? { kind: 'environment', digest: params.job.environment, sentBytes: 5 } : { kind: 'pod', result };
      },
      ...change.alpha,
    },
    beta: {
      'pod.list': () => ({ pods: pods.beta }),
      'host.facts': () => factsOf({}),
      'preflight.target': () => ({ findings: [], needsEnvironment: false }),
      'transfer.receive': async (params, context) => {
        asked.receive.push(params);
        context.event({ listening: { addresses: ['10.0.0.2'], port: 4000 } });
        await Promise.race([finished, new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(new ZapError('cancelled/by-user', 'Cancelled.'))))]);
        return { pod };
      },
      ...change.beta,
    },
  };
  return { ...twoHosts(answers), asked };
}

const located = { host: 'alpha', pod };

describe('movePod', () => {
  it('tells the source where the target listens, under one key, and reports', async () => {
    const { fleet, asked } = goodHosts();
    const phases: string[] = [];
    const report = await movePod(fleet, located, 'beta', { resume: true, onProgress: ({ phase }) => phases.push(phase) });
    expect(report).toEqual({ pod: 'desk', from: 'alpha', to: 'beta', mode: 'live', downtimeMs: 120, totalMs: 900, bytes: result.bytes, steps: result.steps });
    expect(asked.send[0]).toMatchObject({ peer: { addresses: ['10.0.0.2'], port: 4000 }, job: { kind: 'move', pod: pod.id, resume: true } });
    expect(asked.send[0]!.key).toBe(asked.receive[0]!.key);
    expect(asked.send[0]!.transfer).toBe(asked.receive[0]!.transfer);
    expect(phases).toEqual(['freeze']);
  });

  it('a target that was lost sight of hears from here that its source is done', async () => {
    const told: Input<'transfer.tell'>[] = [];
    let asks = 0;
    const { fleet, helpers, asked } = goodHosts({
      alpha: {
        'transfer.send': async () => {
          helpers['beta']!.connection.close();
          return { kind: 'pod', result };
        },
        'transfer.outcome': () => ({ source: 'unknown', target: 'unknown' }),
      },
      beta: {
        'transfer.outcome': () => {
          if (asks++ === 0) throw new ZapError('pod/busy', 'It is only just there again.');
          return { source: 'unknown', target: 'settled' };
        },
        'transfer.tell': (params) => {
          told.push(params);
          return { answer: null };
        },
      },
    });
    expect(await movePod(fleet, located, 'beta', { resume: true })).toMatchObject({ to: 'beta' });
    expect(told).toContainEqual({ transfer: asked.receive[0]!.transfer, pod: pod.id, word: 'heard' });
    expect(told.every(({ word }) => word === 'heard')).toBe(true);
    expect(await new Errands(zapHome).unheardEnds()).toEqual([]);
  });

  it('that a target could not be told of the end is kept, to be told later', async () => {
    const { fleet, asked } = goodHosts({ beta: { 'transfer.outcome': () => Promise.reject(new ZapError('host/unreachable', 'It is cut off.')) } });
    await movePod(fleet, located, 'beta', { resume: true });
    expect(await new Errands(zapHome).unheardEnds()).toMatchObject([{ transfer: asked.receive[0]!.transfer, pod: pod.id, hosts: ['alpha', 'beta'] }]);
  });

  it('goes through this computer when the hosts cannot reach each other', async () => {
    let received = '';
    const asked: Input<'transfer.send'>[] = [];
    const { fleet } = goodHosts({
      alpha: {
        'transfer.send': async (params, context) => {
          asked.push(params);
          if (params.peer !== 'relay') throw new ZapError('move/unreachable', 'No way to 10.0.0.2.');
          context.lane(0).end('the POD, in bytes');
          received = await readAll(context.lane(0));
          return { kind: 'pod', result };
        },
      },
      beta: {
        'transfer.receive': async (params, context) => {
          if (!params.relay) {
            context.event({ listening: { addresses: ['10.0.0.2'], port: 4000 } });
            return new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(new ZapError('cancelled/by-user', 'Cancelled.'))));
          }
          const bytes = await readAll(context.lane(0));
          context.lane(0).end(`${bytes}, and back`);
          return { pod };
        },
      },
    });
    let isRelayed = false;
    await movePod(fleet, located, 'beta', { resume: true, onRelay: () => (isRelayed = true) });
    expect(isRelayed).toBe(true);
    expect(received).toBe('the POD, in bytes, and back');
    expect(asked[0]!.key).not.toBe(asked[1]!.key);
  });

  it('does not demand of the target what no program of the POD uses', async () => {
    const { fleet, asked } = goodHosts({
      alpha: { 'host.facts': () => factsOf({ cpuFlags: ['avx2', 'sha_ni', 'hypervisor'] }), 'preflight.cpu': ({ flags }) => ({ uses: flags.filter((flag) => flag === 'avx2').map((flag) => ({ flag, programs: ['sleep'] })) }) },
      beta: { 'host.facts': () => factsOf({ cpuFlags: ['avx2'] }) },
    });
    await movePod(fleet, located, 'beta', { resume: true });
    expect(asked.send[0]!.job).toMatchObject({ kind: 'move', absentCpuFlags: ['sha_ni'] });
  });

  it('brings a missing environment first', async () => {
    const { fleet, asked } = goodHosts({ beta: { 'preflight.target': () => ({ findings: [], needsEnvironment: true }) } });
    const report = await movePod(fleet, located, 'beta', { resume: true });
    expect(asked.send.map(({ job }) => job.kind)).toEqual(['environment', 'move']);
    expect(report.steps[0]!.name).toBe('environment');
  });

  it('touches nothing when a blocker was found', async () => {
    const { fleet, asked } = goodHosts({ beta: { 'preflight.target': () => ({ findings: [{ id: 'target/no-space', severity: 'blocker', message: 'No room.', hint: 'Free some.' }], needsEnvironment: true }) } });
    await expect(movePod(fleet, located, 'beta', { resume: true })).rejects.toMatchObject({ code: 'preflight/target-no-space', exitCode: 6, hint: 'Free some.' });
    expect(asked.send).toEqual([]);
  });

  it.each([
    ['the same host', located, 'alpha', 'move/same-host'],
    ['a POD on its way', { host: 'alpha', pod: podOf('moving') }, 'beta', 'pod/wrong-state'],
    ['a POD in doubt', { host: 'alpha', pod: podOf('in-doubt') }, 'beta', 'pod/wrong-state'],
    ['a POD whose processes ended', { host: 'alpha', pod: podOf('exited') }, 'beta', 'pod/wrong-state'],
  ])('refuses %s', async (_name, from, to, code) => {
    const { fleet } = goodHosts();
    await expect(movePod(fleet, from, to, { resume: true })).rejects.toMatchObject({ code });
  });

  it('tells the cause, not the consequence, and where the POD is', async () => {
    const { fleet } = goodHosts({
      alpha: { 'transfer.send': (_params, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new ZapError('cancelled/by-user', 'Cancelled.')))) },
      beta: {
        'transfer.receive': async (_params, context) => {
          context.event({ listening: { addresses: ['10.0.0.2'], port: 4000 } });
          await new Promise((resolve) => setTimeout(resolve, 20));
          throw new ZapError('criu/restore-failed', 'CRIU failed.');
        },
      },
    });
    await expect(movePod(fleet, located, 'beta', { resume: true })).rejects.toMatchObject({ code: 'criu/restore-failed', message: 'CRIU failed. "desk" runs on alpha.' });
  });

  it('cancels both ends', async () => {
    const aborted: string[] = [];
    const untilAbort = (name: string) => (_params: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => {
        aborted.push(name);
        reject(new ZapError('cancelled/by-user', 'Cancelled.'));
      }));
    const { fleet } = goodHosts({
      alpha: { 'transfer.send': untilAbort('send') },
      beta: {
        'transfer.receive': (params, context) => {
          context.event({ listening: { addresses: ['10.0.0.2'], port: 4000 } });
          return untilAbort('receive')(params, context);
        },
      },
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    await expect(movePod(fleet, located, 'beta', { resume: true, signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled/by-user', message: 'Cancelled. "desk" runs on alpha.' });
    expect(aborted.sort()).toEqual(['receive', 'send']);
  });

  it('finds out where the POD is when its own connection was lost', async () => {
    let isOver = false;
    let wasDisturbed = false;
    const hosts = goodHosts({
      alpha: {
        'pod.list': () => ({ pods: isOver ? [] : [podOf('moving')] }),
        'transfer.send': async () => {
          setTimeout(() => hosts.helpers['alpha']!.connection.close(), 10);
          setTimeout(() => (isOver = true), 600);
          return new Promise(() => {});
        },
      },
      beta: {
        'pod.list': () => ({ pods: isOver ? [pod] : [] }),
        'transfer.receive': async (_params, context) => {
          context.event({ listening: { addresses: ['10.0.0.2'], port: 4000 } });
          context.signal.addEventListener('abort', () => (wasDisturbed = true));
          while (!isOver) await new Promise((resolve) => setTimeout(resolve, 20));
          return { pod };
        },
      },
    });
    await expect(movePod(hosts.fleet, located, 'beta', { resume: true })).rejects.toMatchObject({ code: 'move/connection-lost', message: 'The connection to alpha ended; the hosts went on alone. "desk" runs on beta.', data: { pod: { name: 'desk', host: 'beta', state: 'running' } } });
    expect(wasDisturbed).toBe(false);
  });
});

describe('clonePod', () => {
  it('gives the copy an identity of its own, beside the original', async () => {
    const { fleet, asked } = goodHosts({
      alpha: {
        'preflight.target': (params) => {
          expect(params.demand).toMatchObject({ name: 'copy', isClone: true });
          expect(params.demand.id).not.toBe(pod.id);
          return { findings: [], needsEnvironment: false };
        },
        'transfer.receive': (_params, context) => {
          context.event({ listening: { addresses: ['10.0.0.1'], port: 4000 } });
          return { pod };
        },
      },
    });
    await clonePod(fleet, located, { name: 'copy', to: 'alpha' }, {});
    const { job } = asked.send[0]!;
    expect(job).toMatchObject({ kind: 'clone', pod: pod.id, identity: { name: 'copy', network: { profile: 'nat' } } });
    expect(job.kind === 'clone' && job.identity.mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  });

  it('refuses a name that is taken, and an address that would be there twice', async () => {
    const { fleet } = goodHosts();
    await expect(clonePod(fleet, located, { name: 'desk', to: 'beta' }, {})).rejects.toMatchObject({ code: 'pod/name-taken' });
    const onLan = { host: 'alpha', pod: podOf('running', { network: { profile: 'lan', address: '10.0.0.12', prefixLength: 24 } }) };
    await expect(clonePod(fleet, onLan, { name: 'copy', to: 'beta' }, {})).rejects.toMatchObject({ code: 'network/address-needed' });
  });
});

describe('planOnly', () => {
  it('asks and does nothing', async () => {
    const { fleet, asked, helpers } = goodHosts();
    expect(await planOnly(fleet, located, 'beta', { willRun: true })).toMatchObject({ canMove: true, from: 'alpha', to: 'beta' });
    expect(asked.receive).toEqual([]);
    expect(helpers['alpha']!.calls).toEqual(['hello', 'host.facts', 'preflight.source']);
    expect((await listPods(fleet)).pods).toHaveLength(1);
  });

  it('knows what a move between these hosts took', async () => {
    const before = goodHosts();
    const first = await planOnly(before.fleet, located, 'beta', { willRun: true });
    expect(first.pastMoves).toBe(0);
    await movePod(before.fleet, located, 'beta', { resume: true });
    const { fleet } = goodHosts();
    const second = await planOnly(fleet, located, 'beta', { willRun: true });
    expect(second.pastMoves).toBe(1);
    const away = ({ predictedDowntimeMs, predictedTotalMs }: typeof first): number[] => [Math.abs(predictedDowntimeMs - 120), Math.abs(predictedTotalMs - 900)];
    away(second).forEach((distance, index) => expect(distance).toBeLessThan(away(first)[index]!));
  });
});
