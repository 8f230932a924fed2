import fc from 'fast-check';
import type { IpcMain } from 'electron';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallResult } from '../contract';
import { openBridge } from './bridge';
import { channels } from './wire';

const handlers: { call?: (event: unknown, name: unknown, input: unknown) => Promise<CallResult<unknown>>; connect?: (event: unknown, message: unknown) => void } = {};
const asked: unknown[][] = [];
const refused: string[] = [];
const frame = { url: 'app://zap/index.html', parent: null };
const ours = { sender: { id: 1, isDestroyed: () => false, send: vi.fn() }, senderFrame: frame };
const stranger = { ...ours, sender: { ...ours.sender, id: 2 } };
const port = (): { close: ReturnType<typeof vi.fn> } => ({ close: vi.fn() });

beforeEach(() => {
  asked.length = refused.length = 0;
  ours.sender.send.mockClear();
  const ipc = { handle: (_channel: string, handler: never) => (handlers.call = handler), on: (_channel: string, handler: never) => (handlers.connect = handler) };
  openBridge(ipc as unknown as IpcMain, {
    windows: new Set([1]),
    onRefused: (why) => refused.push(why),
    answering: {
      call: async (...args) => (asked.push(args), { ok: true, value: 'answered' }),
      connect: async (...args) => (asked.push(args), args[0] === 'desktop' ? { ok: true, value: null } : { ok: false, error: { code: 'x/y', message: 'm' } }),
    },
  });
});

describe('calls', () => {
  it('lets through what the contract takes, as the contract reads it', async () => {
    expect(await handlers.call!(ours, 'pod.move', { pod: '0123456789ab', to: 'beta', resumes: true })).toEqual({ ok: true, value: 'answered' });
    expect(asked).toEqual([['pod.move', { pod: '0123456789ab', to: 'beta', resumes: true }]]);
  });

  it('tells a page of ours what is wrong with its input', async () => {
    expect(await handlers.call!(ours, 'pod.move', { pod: '../../etc', to: 'beta', resumes: true, force: true })).toMatchObject({ ok: false, error: { code: 'usage/bad-input' } });
    expect(asked).toEqual([]);
  });

  it.each(['toString', '__proto__', 'constructor', 'pod.explode', '', 7, null, { name: 'pod.move' }])('refuses the name %j', async (name) => {
    await expect(handlers.call!(ours, name, {})).rejects.toThrow('refused');
    expect(asked).toEqual([]);
  });

  it('refuses strangers, whatever they ask', async () => {
    await expect(handlers.call!(stranger, 'state.snapshot', {})).rejects.toThrow('refused');
    await expect(handlers.call!({ ...ours, senderFrame: { ...frame, parent: frame } }, 'state.snapshot', {})).rejects.toThrow('refused');
    expect(asked).toEqual([]);
    expect(refused).toHaveLength(2);
  });

  it('never hands on what is no input of the contract', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('pod.delete', 'host.remove', 'task.cancel', 'app.open-link', 'prompt.answer'), fc.anything(), async (name, input) => {
        asked.length = 0;
        const result = await handlers.call!(ours, name, input);
        return result.ok === asked.length > 0 && (!result.ok || typeof input === 'object');
      }),
      { numRuns: 500 },
    );
  });
});

describe('streams', () => {
  const connect = (event: object, message: unknown, ports: unknown[]): void => handlers.connect!({ ...event, ports }, message);

  it('hands one port on, and tells when it is', async () => {
    const one = port();
    connect(ours, { name: 'desktop', input: { pod: '0123456789ab' }, id: 's1' }, [one]);
    await vi.waitFor(() => expect(ours.sender.send).toHaveBeenCalledWith(channels.connected, 's1', { ok: true, value: null }));
    expect(asked).toEqual([['desktop', { pod: '0123456789ab' }, one]]);
    expect(one.close).not.toHaveBeenCalled();
  });

  it('closes the port of what is refused by the services', async () => {
    const one = port();
    connect(ours, { name: 'terminal', input: { pod: '0123456789ab', columns: 80, rows: 24 }, id: 's2' }, [one]);
    await vi.waitFor(() => expect(one.close).toHaveBeenCalled());
    expect(ours.sender.send).toHaveBeenCalledWith(channels.connected, 's2', expect.objectContaining({ ok: false }));
  });

  it.each([
    ['a stranger', stranger, { name: 'desktop', input: { pod: '0123456789ab' }, id: 's' }, 1],
    ['an unknown stream', ours, { name: 'toString', input: {}, id: 's' }, 1],
    ['a message of another shape', ours, { name: 'desktop' }, 1],
    ['no message', ours, undefined, 1],
    ['two ports', ours, { name: 'desktop', input: { pod: '0123456789ab' }, id: 's' }, 2],
    ['no port', ours, { name: 'desktop', input: { pod: '0123456789ab' }, id: 's' }, 0],
  ])('refuses %s, and closes what came with it', (_what, event, message, count) => {
    const ports = Array.from({ length: count }, port);
    connect(event, message, ports);
    expect(asked).toEqual([]);
    for (const one of ports) expect(one.close).toHaveBeenCalled();
    expect(refused).toHaveLength(1);
  });
});
