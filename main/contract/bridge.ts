/**
 * What the preload puts on `window.zap`, and nothing else.
 *
 * Errors and MessagePorts do not pass the bridge between the worlds of a page: a failure comes as a value, and the port of a stream as a message of the
 * window to itself, `{ zapStream: id }` with the port transferred.
 */
import type { CallInput, CallName, CallOutput } from './calls';
import type { EventData, EventName } from './events';
import type { Failure } from './nouns';
import type { StreamInput, StreamName } from './streams';

export type CallResult<T> = { ok: true; value: T } | { ok: false; error: Failure };

export interface ZapBridge {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallResult<CallOutput<N>>>;
  /** Returns what ends it. */
  listen<N extends EventName>(name: N, onEvent: (data: EventData<N>) => void): () => void;
  /** `id` is the caller's choice, and unused before; resolves when the port was posted. */
  connect<N extends StreamName>(name: N, input: StreamInput<N>, id: string): Promise<CallResult<null>>;
}

/** The message that brings a stream's port. */
export interface StreamPortMessage {
  zapStream: string;
}
