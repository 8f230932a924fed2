/** Streams over helpers at the wire: how they find the POD again, and what the window hears. */
import { setTimeout as delay } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import type { CallContext } from '../../helper/protocol/connection';
import { wireHelper, wireTransport, type Answers } from '../../test/fakes/wire-helper';
import { HelperClient } from '../helper-client/client';
import type { Pod } from '../pods/locate';
import type { Hosts } from './lookout';
import { runStream, type StreamRequest } from './open';

const id = '0123456789ab';
const podIn = (state: Pod['state']): Pod => ({
  id, name: 'desk', state, environment: { digest: `sha256:${'0'.repeat(64)}`, name: 'shell' }, network: { profile: 'none' }, mac: '02:00:00:00:00:01', limits: {}, hasDisplay: true, owner: 'root', createdAt: '2026-01-01T00:00:00.000Z',
});
const running: Pod['state'] = { kind: 'running', since: '2026-01-01T00:00:00.000Z' };
const moving = (role: 'source' | 'target'): Pod['state'] => ({ kind: 'moving', role, transfer: '0'.repeat(16), phase: 'leaving' });
const clean: (() => void)[] = [];
afterEach(() => clean.splice(0).forEach((act) => act()));

interface Fake {
  state?: Pod['state'] | undefined;
  attach?: (context: CallContext) => Promise<unknown>;
  /** Never answers. */
  isHung?: boolean;
  isLost?: boolean;
  delayMs?: number;
}

/** Hosts whose PODs and answers a test changes as it goes. */
function hostsOf(fakes: Record<string, Fake>): Hosts & { drop(host: string): void } {
  const clients = new Map<string, Promise<HelperClient>>();
  const connect = async (name: string): Promise<HelperClient> => {
    const fake = fakes[name]!;
    if (fake.isLost === true) throw new ZapError('host/unreachable', `${name} does not answer.`);
    const answers: Answers = {
      'pod.list': () => (fake.isHung === true ? new Promise(() => {}) : { pods: fake.state ? [podIn(fake.state)] : [] }),
      'pod.attach': (_, context) => fake.attach!(context),
    };
    if (fake.delayMs !== undefined) await delay(fake.delayMs);
    const { process } = wireHelper(answers);
    const { skipToGreeting } = await import('../helper-client/greeting');
    await skipToGreeting(process.stdout);
    return HelperClient.over(name, process, wireTransport(() => process));
  };
  return {
    hosts: Object.keys(fakes),
    client(name) {
      const client = clients.get(name) ?? connect(name);
      clients.set(name, client);
      client.catch(() => clients.delete(name));
      return client;
    },
    drop(name) {
      void clients.get(name)?.then((client) => client.close());
      clients.delete(name);
    },
  };
}

function watch(hosts: Hosts, request: StreamRequest = { name: 'terminal', input: { pod: id, columns: 80, rows: 24 } }) {
  const { port1, port2 } = new MessageChannel();
  const heard: unknown[] = [];
  let text = '';
  port1.on('message', (message: unknown) => {
    if (message instanceof Uint8Array) text += Buffer.from(message).toString();
    else if ((message as { type: string }).type !== 'credit') heard.push(message);
  });
  const ended = runStream(hosts, request, {
    post: (message) => port2.postMessage(message),
    listen: (onMessage, onClose) => void port2.on('message', onMessage).on('close', onClose),
    close: () => port2.close(),
  });
  clean.push(() => port1.close());
  const until = async (what: string, isSo: () => boolean): Promise<void> => {
    for (const giveUpMs = Date.now() + 10_000; !isSo(); ) {
      if (Date.now() > giveUpMs) throw new Error(`not ${what}: ${JSON.stringify(heard)} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { heard, ended, type: (bytes: string) => port1.postMessage(Buffer.from(bytes)), hangUp: () => port1.close(), until, text: () => text };
}

/** Shows its name, keeps what is typed, and ends when told. */
function attachable(name: string) {
  let finish!: (value: unknown) => void;
  let fail!: (error: ZapError) => void;
  let typed = '';
  let signal: AbortSignal | undefined;
  return {
    attach: (context: CallContext) => {
      const lane = context.lane(0);
      ({ signal } = context);
      lane.on('data', (chunk: Buffer) => (typed += chunk.toString()));
      lane.write(`[${name}]`);
      return new Promise<unknown>((resolve, reject) => ([finish, fail] = [resolve, reject]));
    },
    typed: () => typed,
    signal: () => signal,
    end: (reason: 'ended' | 'detached', inputBytes = typed.length) => finish({ reason, inputBytes }),
    fail: (code: `pod/${string}`) => fail(new ZapError(code, 'No.')),
  };
}

describe('a stream of a POD', () => {
  it('follows it to its new host with what was not read, though a third host never answers', async () => {
    const [a, b] = [attachable('alpha'), attachable('beta')];
    const fakes: Record<string, Fake> = { alpha: { state: running, attach: a.attach }, beta: { attach: b.attach }, gamma: { isHung: true } };
    const view = watch(hostsOf(fakes));
    await view.until('open', () => view.text() === '[alpha]');
    view.type('one two ');
    await view.until('typed', () => a.typed() === 'one two ');
    fakes['alpha']!.state = moving('source');
    a.end('detached', 4);
    await view.until('paused', () => view.heard.length === 2);
    view.type('three');
    a.attach = () => Promise.reject(new ZapError('pod/busy', 'It is being frozen.'));
    fakes['alpha']!.state = undefined;
    fakes['beta']!.state = running;
    await view.until('resumed', () => b.typed() === 'two three' && view.heard.length === 3);
    expect(view.heard).toEqual([{ type: 'opened', host: 'alpha' }, { type: 'paused', reason: 'moving' }, { type: 'resumed', host: 'beta' }]);
    view.hangUp();
    await view.ended;
    expect(b.signal()!.aborted).toBe(true);
  });

  it('opens on a POD whose move is only being prepared, and waits where it is refused', async () => {
    const a = attachable('alpha');
    let refusals = 0;
    const fakes: Record<string, Fake> = { alpha: { state: moving('source'), attach: async (context) => (refusals++ < 3 ? Promise.reject(new ZapError('pod/busy', 'It is being frozen.')) : a.attach(context)) }, beta: { state: moving('target') } };
    const view = watch(hostsOf(fakes));
    await view.until('open', () => view.text() === '[alpha]');
    expect(view.heard).toEqual([{ type: 'paused', reason: 'moving' }, { type: 'opened', host: 'alpha' }]);
    view.hangUp();
    await view.ended;
  });

  it('says nothing of a host that merely takes its time', async () => {
    const a = attachable('alpha');
    const fakes: Record<string, Fake> = { alpha: { state: running, attach: a.attach, delayMs: 1_500 } };
    const view = watch(hostsOf(fakes));
    await view.until('open', () => view.text() === '[alpha]' && view.heard.length > 0);
    expect(view.heard).toEqual([{ type: 'opened', host: 'alpha' }]);
    view.hangUp();
    await view.ended;
  });

  it('waits for a host that is lost and goes on when it is back; what was on its way is not sent twice', async () => {
    const [a, again] = [attachable('alpha'), attachable('again')];
    const fakes: Record<string, Fake> = { alpha: { state: running, attach: a.attach } };
    const hosts = hostsOf(fakes);
    const view = watch(hosts);
    await view.until('open', () => view.text() === '[alpha]');
    view.type('lost ');
    await view.until('typed', () => a.typed() === 'lost ');
    Object.assign(fakes['alpha']!, { isLost: true, attach: again.attach });
    hosts.drop('alpha');
    await view.until('paused', () => view.heard.length === 2);
    view.type('kept');
    fakes['alpha']!.isLost = false;
    await view.until('resumed', () => again.typed() === 'kept' && view.heard.length === 3);
    expect(view.heard).toEqual([{ type: 'opened', host: 'alpha' }, { type: 'paused', reason: 'unreachable' }, { type: 'resumed', host: 'alpha' }]);
    view.hangUp();
    await view.ended;
  });

  it('says that it is suspended, and goes on when it is resumed', async () => {
    const a = attachable('alpha');
    const fakes: Record<string, Fake> = { alpha: { state: { kind: 'suspended', at: '2026-01-01T00:00:00.000Z', sizeBytes: 1 }, attach: a.attach } };
    const view = watch(hostsOf(fakes));
    await view.until('suspended', () => view.heard.length === 1);
    fakes['alpha']!.state = running;
    await view.until('open', () => view.text() === '[alpha]');
    expect(view.heard).toEqual([{ type: 'paused', reason: 'suspended' }, { type: 'opened', host: 'alpha' }]);
    view.hangUp();
    await view.ended;
  });

  it('is closed when its end is reached, with the last words; when its POD has ended; when it cannot be shown', async () => {
    const a = attachable('alpha');
    const view = watch(hostsOf({ alpha: { state: running, attach: a.attach } }));
    await view.until('open', () => view.text() === '[alpha]');
    a.end('ended');
    await view.ended;
    await view.until('closed', () => view.heard.length === 2);
    expect(view.heard[1]).toEqual({ type: 'closed', reason: 'ended' });

    const dead = watch(hostsOf({ alpha: { state: { kind: 'exited', at: '2026-01-01T00:00:00.000Z' } } }));
    await dead.ended;
    await dead.until('closed', () => dead.heard.length === 1);
    expect(dead.heard).toEqual([{ type: 'closed', reason: 'ended' }]);

    const bare = watch(hostsOf({ alpha: { state: running, attach: async () => Promise.reject(new ZapError('pod/no-terminal', 'No tmux.', { hint: 'Install it.' })) } }));
    await bare.ended;
    await bare.until('closed', () => bare.heard.length === 1);
    expect(bare.heard).toEqual([{ type: 'closed', reason: 'failed', error: expect.objectContaining({ code: 'pod/no-terminal', message: 'No tmux.', hint: 'Install it.' }) as unknown }]);
  });

  it('is closed when its window speaks what is no RFB', async () => {
    const view = watch(hostsOf({ alpha: { isHung: true } }), { name: 'desktop', input: { pod: id } });
    view.type('GET / HTTP/1.1\r\n');
    await view.ended;
    await view.until('closed', () => view.heard.length === 1);
    expect(view.heard).toEqual([{ type: 'closed', reason: 'failed', error: expect.objectContaining({ code: 'internal/protocol' }) as unknown }]);
  });

  it('is closed when all hosts say that the POD is gone, and not as long as one cannot be asked', async () => {
    const fakes: Record<string, Fake> = { alpha: {}, beta: { isLost: true } };
    const view = watch(hostsOf(fakes));
    await view.until('paused', () => view.heard.length === 1);
    expect(view.heard).toEqual([{ type: 'paused', reason: 'unreachable' }]);
    fakes['beta']!.isLost = false;
    await view.ended;
    await view.until('closed', () => view.heard.length === 3);
    expect(view.heard.slice(1)).toEqual([{ type: 'paused', reason: 'moving' }, { type: 'closed', reason: 'deleted' }]);
  });
});
