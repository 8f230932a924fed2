import { describe, expect, it, vi } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import { Connection } from '../contract';
import type { HelperClient } from '../helper-client/client';
import { HostLink, type LinkOptions } from './host-link';

function helper(): { client: HelperClient; lose: () => void } {
  let lose!: () => void;
  const closed = new Promise<void>((resolve) => (lose = resolve));
  return { client: { host: 'alpha', closed, close: lose, hello: { version: '1', hostname: 'alpha' } } as unknown as HelperClient, lose };
}

function linkOf(connect: LinkOptions['connect'], host = 'alpha'): { link: HostLink; seen: Connection[] } {
  const seen: Connection[] = [];
  const link: HostLink = new HostLink({ host, connect, onChange: () => seen.push(Connection.parse(link.connection)), onReady: () => {} });
  return { link, seen };
}

describe('HostLink', () => {
  it('shows each step of the way, with what it says of itself', async () => {
    const { link, seen } = linkOf(async () => {
      const { onStep, onNote } = link.surroundings;
      onStep!('verify-key');
      onStep!('authenticate');
      onNote!('trying the key k');
      onStep!('start-helper');
      return helper().client;
    });
    link.open();
    await vi.waitFor(() => expect(link.isReady).toBe(true));
    expect(seen.some((connection) => connection.kind === 'connecting' && connection.steps.some(({ name, state, detail }) => name === 'authenticate' && state === 'running' && detail === 'trying the key k'))).toBe(true);
    expect(link.connection).toMatchObject({ kind: 'ready', helperVersion: '1', steps: ['reach', 'verify-key', 'authenticate', 'start-helper'].map((name) => ({ name, state: 'done' })) });
    expect(link.log.text).toContain('trying the key k');
    link.close();
    expect(link.connection).toEqual({ kind: 'idle' });
  });

  it('says at which step it failed, and tries again by itself only where waiting helps', async () => {
    const { link } = linkOf(async () => {
      link.surroundings.onStep!('authenticate');
      throw new ZapError('host/auth-failed', 'No.', { evidence: ['tried: k'] });
    });
    link.open();
    await link.settled();
    expect(link.connection).toMatchObject({ kind: 'failed', error: { code: 'host/auth-failed' }, steps: [{ state: 'done' }, { name: 'verify-key', state: 'waiting' }, { name: 'authenticate', state: 'failed' }, { state: 'waiting' }] });
    expect(link.connection).not.toHaveProperty('retryAtMs');
    expect(link.log.text).toContain('tried: k');

    const passing = linkOf(() => Promise.reject(new ZapError('host/refused', 'No.')));
    passing.link.open();
    await passing.link.settled();
    expect(passing.link.connection).toMatchObject({ kind: 'failed', retryAtMs: expect.any(Number) as number });
    passing.link[Symbol.dispose]();
  });

  it('asks a person only when a person asked for it', async () => {
    const askers: boolean[] = [];
    const prompter = { canAsk: true } as never;
    let isOpen = false;
    const { link } = linkOf(async () => {
      askers.push(link.surroundings.prompter?.canAsk === true);
      if (!isOpen) throw new ZapError('host/auth-needs-answer', 'Password.');
      return helper().client;
    });
    link.open();
    await link.settled();
    isOpen = true;
    await link.openNow({ prompter }, new AbortController().signal);
    expect(askers).toEqual([false, true]);
    expect(link.surroundings.prompter).toBeUndefined();
    link.close();
  });

  it('fails with the reason, or because it was cancelled', async () => {
    const { link } = linkOf(() => Promise.reject(new ZapError('host/key-mismatch', 'Another key.')));
    await expect(link.openNow({}, new AbortController().signal)).rejects.toMatchObject({ code: 'host/key-mismatch' });
    const stop = new AbortController();
    const never = linkOf(() => new Promise(() => {}));
    const opening = never.link.openNow({}, stop.signal);
    stop.abort();
    await expect(opening).rejects.toMatchObject({ code: 'cancelled/by-user' });
  });

  it('lets others wait for the attempt that runs, until they are tired of it', async () => {
    let arrive!: (client: HelperClient) => void;
    const { link } = linkOf(() => new Promise((resolve) => (arrive = resolve)));
    await link.settled(); // there is none
    link.open();
    const stop = new AbortController();
    const tired = link.settled(stop.signal);
    const patient = link.settled();
    stop.abort();
    await expect(tired).rejects.toMatchObject({ code: 'cancelled/by-user' });
    await expect(link.settled(stop.signal)).rejects.toMatchObject({ code: 'cancelled/by-user' });
    arrive(helper().client);
    await patient;
    expect(link.isReady).toBe(true);
    link.close();
  });

  it('is lost and comes back', async () => {
    const helpers = [helper(), helper()];
    let attempts = 0;
    const { link, seen } = linkOf(async () => helpers[attempts++]!.client);
    link.open();
    await vi.waitFor(() => expect(link.isReady).toBe(true));
    helpers[0]!.lose();
    await vi.waitFor(() => expect(seen.some(({ kind }) => kind === 'failed')).toBe(true));
    link.open();
    await vi.waitFor(() => expect(link.isReady).toBe(true));
    expect(attempts).toBe(2);
    link.close();
  });
});
