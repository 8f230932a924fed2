/**
 * The wire between a client and a helper: calls with cancellation, events and byte lanes over one duplex byte stream.
 *
 * Control is JSON; bytes of lanes travel as they are. Each lane has its own credit window, so that a slow terminal never holds up a call.
 */
import type { Duplex, Readable, Writable } from 'node:stream';
import { ZapError, type WireError } from './errors';
import { Lane } from './lane';
import { encodeFrame, FrameReader, frameTypes, type Frame, type FrameType } from './wire-frames';

const maxLanes = 4;
/** Of one client at once: a desktop has a few for each POD. */
const maxRunningCalls = 1000;
/** Answers that a client does not take; beyond it is not listened to any more. */
const maxUntakenBytes = 32 << 20;

export interface CallContext {
  /** Aborted when the caller cancels, and when the connection ends unless the call was declared to survive that. */
  signal: AbortSignal;
  event(data: unknown): void;
  /**
   * Byte stream `index` (0..3) of this call, opened on first use by either side. No more than `windowBytes` are on their way at once: what the other end has not
   * taken waits here, where it can still be left out.
   */
  lane(index: number, windowBytes?: number): Duplex;
}

export type CallHandler = (method: string, params: unknown, context: CallContext) => Promise<unknown>;

export interface CallOptions {
  signal?: AbortSignal | undefined;
  onEvent?: ((data: unknown) => void) | undefined;
}

export interface PendingCall {
  result: Promise<unknown>;
  lane(index: number): Duplex;
}

interface Call {
  lanes: Map<number, Lane>;
  onEvent?: ((data: unknown) => void) | undefined;
  resolve?: (value: unknown) => void;
  reject?: (error: Error) => void;
  abort?: AbortController;
  survivesClose?: boolean;
}

export interface ConnectionOptions {
  /** Answers the other end's calls; absent on a pure client. */
  handler?: CallHandler;
  /** Calls that go on when the connection ends. */
  survivesClose?: (method: string) => boolean;
}

export class Connection {
  private readonly outgoing = new Map<number, Call>();
  private readonly incoming = new Map<number, Call>();
  private readonly running = new Set<Promise<void>>();
  private nextId = 1;
  private readonly reader = new FrameReader();
  private failure: Error | undefined;
  private readonly closedPromise: Promise<void>;
  private resolveClosed!: () => void;

  constructor(
    private readonly readable: Readable,
    private readonly writable: Writable,
    private readonly options: ConnectionOptions = {},
  ) {
    this.closedPromise = new Promise((resolve) => (this.resolveClosed = resolve));
    readable.on('data', (chunk: Buffer) => this.onData(chunk));
    readable.on('end', () => this.close());
    readable.on('close', () => this.close());
    readable.on('error', (error) => this.close(error));
    writable.on('error', (error) => this.close(error));
  }

  /** Resolves when the connection has ended, for whatever reason. */
  get closed(): Promise<void> {
    return this.closedPromise;
  }

  /** Resolves when no call of the other end is running any more. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  call(method: string, params: unknown, options: CallOptions = {}): PendingCall {
    const id = this.nextId++;
    const call: Call = { lanes: new Map(), onEvent: options.onEvent };
    const result = new Promise<unknown>((resolve, reject) => {
      call.resolve = resolve;
      call.reject = reject;
    });
    if (this.failure) {
      call.reject!(this.failure);
      return { result, lane: (index) => this.laneOf(call, id, index) };
    }
    this.outgoing.set(id, call);
    this.sendJson(frameTypes.request, id, { method, params });
    const onAbort = (): void => this.send(frameTypes.cancel, 0, id, Buffer.alloc(0));
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const tracked = result.finally(() => options.signal?.removeEventListener('abort', onAbort));
    return { result: tracked, lane: (index) => this.laneOf(call, id, index) };
  }

  close(cause?: Error): void {
    if (this.failure) return;
    this.failure = new ZapError('host/connection-lost', 'The connection to the host ended.', { cause });
    for (const call of this.outgoing.values()) {
      call.reject?.(this.failure);
      for (const lane of call.lanes.values()) lane.destroy(); // no error: the call's own rejection tells
    }
    this.outgoing.clear();
    for (const call of this.incoming.values()) {
      if (!call.survivesClose) call.abort?.abort();
      for (const lane of call.lanes.values()) lane.destroy();
    }
    this.readable.destroy();
    this.writable.end();
    this.resolveClosed();
  }

  private onData(chunk: Buffer): void {
    this.reader.push(chunk);
    try {
      let frame: Frame | undefined;
      while ((frame = this.reader.take())) this.onFrame(frame);
    } catch (error) {
      this.close(error as Error);
    }
  }

  private onFrame({ type, lane, id, payload }: Frame): void {
    switch (type) {
      case frameTypes.request:
        return this.onRequest(id, parseJson(payload) as { method: string; params: unknown });
      case frameTypes.result: {
        const call = this.outgoing.get(id);
        this.outgoing.delete(id);
        for (const stream of call?.lanes.values() ?? []) stream.receiveEnd();
        return call?.resolve?.(payload.length === 0 ? undefined : parseJson(payload));
      }
      case frameTypes.error: {
        const call = this.outgoing.get(id);
        this.outgoing.delete(id);
        for (const stream of call?.lanes.values() ?? []) stream.receiveEnd();
        return call?.reject?.(ZapError.fromWire(parseJson(payload) as WireError));
      }
      case frameTypes.event:
        return this.outgoing.get(id)?.onEvent?.(parseJson(payload));
      case frameTypes.cancel:
        return this.incoming.get(id)?.abort?.abort();
      case frameTypes.data:
      case frameTypes.end:
      case frameTypes.credit: {
        const call = this.outgoing.get(id) ?? this.incoming.get(id);
        if (!call || lane >= maxLanes) return; // the call has ended meanwhile
        const stream = this.laneOf(call, id, lane);
        if (type === frameTypes.data) stream.receive(Buffer.from(payload));
        else if (type === frameTypes.end) stream.receiveEnd();
        else stream.receiveCredit(payload.readUInt32BE(0));
        return;
      }
      default:
        throw new ZapError('internal/protocol', `A peer sent a frame of unknown type ${String(type)}.`);
    }
  }

  private onRequest(id: number, request: { method: string; params: unknown }): void {
    const handler = this.options.handler;
    if (!handler || this.incoming.has(id) || this.incoming.size >= maxRunningCalls || typeof request?.method !== 'string') throw new ZapError('internal/protocol', 'A peer sent an unexpected request.');
    const abort = new AbortController();
    const call: Call = { lanes: new Map(), abort, survivesClose: this.options.survivesClose?.(request.method) ?? false };
    this.incoming.set(id, call);
    const context: CallContext = {
      signal: abort.signal,
      event: (data) => this.sendJson(frameTypes.event, id, data),
      lane: (index, windowBytes) => {
        const lane = this.laneOf(call, id, index);
        if (windowBytes !== undefined) lane.narrow(windowBytes);
        return lane;
      },
    };
    const running = handler(request.method, request.params, context)
      .then(
        (value) => this.sendJson(frameTypes.result, id, value ?? null),
        (error: unknown) => this.sendJson(frameTypes.error, id, ZapError.from(error).toWire()),
      )
      .finally(() => {
        this.incoming.delete(id);
        this.running.delete(running);
        for (const lane of call.lanes.values()) lane.destroy();
      });
    this.running.add(running);
  }

  private laneOf(call: Call, id: number, index: number): Lane {
    let lane = call.lanes.get(index);
    if (!lane) {
      lane = new Lane((type, payload) => this.send(type, index, id, payload));
      lane.on('error', () => {}); // whoever reads or writes it adds his own; a lane nobody looks at must not end the process
      call.lanes.set(index, lane);
    }
    return lane;
  }

  private sendJson(type: FrameType, id: number, value: unknown): void {
    this.send(type, 0, id, Buffer.from(JSON.stringify(value)));
  }

  private send(type: FrameType, lane: number, id: number, payload: Buffer): void {
    if (this.failure) return;
    this.writable.write(encodeFrame({ type, lane, id, payload }));
    // Only where calls are answered: if both ends could stop listening, both might.
    if (this.options.handler && this.writable.writableLength > maxUntakenBytes && !this.readable.isPaused()) {
      this.readable.pause();
      this.writable.once('drain', () => this.readable.resume());
    }
  }
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch (error) {
    throw new ZapError('internal/protocol', 'A peer sent a control frame that is not JSON.', { cause: error });
  }
}
