/** Every question of a page passes here: who asks, what, and with what input, before anything is done with it. */
import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, MessagePortMain } from 'electron';
import { z } from 'zod';
import { ZapError } from '../../helper/protocol/errors';
import { calls, streams, type CallName, type CallResult, type Failure, type StreamName } from '../contract';
import { isTrusted } from './sender';
import { channels } from './wire';

export interface Answering {
  call(name: CallName, input: unknown): Promise<CallResult<unknown>>;
  connect(name: StreamName, input: unknown, port: MessagePortMain): Promise<CallResult<null>>;
}

export interface Gatekeeper {
  /** Contents of our windows. */
  windows: ReadonlySet<number>;
  answering: Answering;
  /** Told of what was refused; a page that is refused learns nothing. */
  onRefused: (why: string) => void;
}

const Connect = z.strictObject({ name: z.string(), input: z.unknown(), id: z.string().min(1).max(100) });

export function openBridge(ipc: Pick<IpcMain, 'handle' | 'on'>, { windows, answering, onRefused }: Gatekeeper): void {
  const refuse = (why: string): never => {
    onRefused(why);
    throw new Error('refused');
  };
  const requireTrusted = (event: IpcMainEvent | IpcMainInvokeEvent): void => {
    if (!isTrusted(event, windows)) refuse(`a call from ${event.senderFrame?.url ?? 'a frame that is gone'}`);
  };

  ipc.handle(channels.call, async (event, name: unknown, input: unknown): Promise<CallResult<unknown>> => {
    requireTrusted(event);
    if (!isOwnKey(calls, name)) return refuse(`an unknown call ${JSON.stringify(name)?.slice(0, 100)}`);
    const parsed = calls[name].in.safeParse(input);
    if (!parsed.success) return badInput(name, parsed.error);
    return answering.call(name, parsed.data);
  });

  ipc.on(channels.connect, (event, message: unknown) => {
    const [port] = event.ports;
    try {
      requireTrusted(event);
      const { name, input, id } = Connect.parse(message);
      if (!port || event.ports.length !== 1 || !isOwnKey(streams, name)) return refuse(`an unknown stream "${name.slice(0, 100)}"`);
      const tell = (result: CallResult<null>): void => {
        if (!result.ok) port.close();
        if (!event.sender.isDestroyed()) event.sender.send(channels.connected, id, result);
      };
      const parsed = streams[name].safeParse(input);
      if (!parsed.success) return tell(badInput(name, parsed.error));
      void answering.connect(name, parsed.data, port).then(tell);
    } catch (error) {
      for (const one of event.ports) one.close();
      if (error instanceof z.ZodError) onRefused('a stream that names nothing');
    }
  });
}

function isOwnKey<T extends object>(table: T, key: unknown): key is Extract<keyof T, string> {
  return typeof key === 'string' && Object.hasOwn(table, key);
}

function badInput(name: string, error: z.ZodError): { ok: false; error: Failure } {
  return { ok: false, error: asFailure(new ZapError('usage/bad-input', `"${name}" was asked with something that it does not take.`, { evidence: z.prettifyError(error).split('\n').slice(0, 20) })) };
}

export function asFailure(thrown: unknown): Failure {
  const { code, message, hint, data, evidence } = ZapError.from(thrown);
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(data === undefined ? {} : { data }), ...(evidence === undefined ? {} : { evidence }) };
}
