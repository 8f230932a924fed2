/**
 * The wire between a client and a helper: calls with cancellation, events and byte lanes over one duplex byte stream.
 *
 * Frame: u32 payload length, u8 type, u8 lane, u32 call id (big endian), payload. Control is JSON; bytes of lanes travel as they are. Each lane has
 * its own credit window, so that a slow terminal never holds up a call. Both ends refuse frames over the limit: nothing a peer sends can make the
 * other end buffer without bound.
 */
import { Duplex, type Readable, type Writable } from 'node:stream';
import { ZapError, type WireError } from './errors';

const headerBytes = 10;
const maxControlBytes = 4 << 20;
const maxDataBytes = 64 << 10;
const defaultWindowBytes = 1 << 20;
const maxLanes = 4;
/** Of one client at once: a desktop has a few for each POD. */
const maxRunningCalls = 1000;
/** Answers that a client does not take; beyond it is not listened to any more. */
const maxUntakenBytes = 32 << 20;

const Frame = { request: 1, result: 2, error: 3, event: 4, cancel: 5, data: 6, end: 7, credit: 8 } as const;
type FrameType = (typeof Frame)[keyof typeof Frame];

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

class Lane extends Duplex {
  private windowBytes = defaultWindowBytes;
  private credit = defaultWindowBytes;
  private toGrant = 0;
  private received = 0;
  private waiting: { chunk: Buffer; done: (error?: Error | null) => void } | undefined;

  constructor(private readonly sendFrame: (type: FrameType, payload: Buffer) => void) {
    super({ allowHalfOpen: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.waiting = { chunk, done };
    this.pump();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.sendFrame(Frame.end, Buffer.alloc(0));
    done();
  }

  override _read(): void {
    this.grant();
  }

  receive(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.received > defaultWindowBytes) throw new ZapError('internal/protocol', 'A peer sent more bytes than it was granted.');
    this.toGrant += chunk.length;
    if (this.readableEnded || this.destroyed || this.push(chunk)) this.grant();
  }

  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  narrow(windowBytes: number): void {
    this.credit -= this.windowBytes - windowBytes;
    this.windowBytes = windowBytes;
  }

  receiveCredit(bytes: number): void {
    this.credit += bytes;
    this.pump();
  }

  private grant(): void {
    if (this.toGrant === 0) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.toGrant);
    this.received -= this.toGrant;
    this.toGrant = 0;
    this.sendFrame(Frame.credit, payload);
  }

  private pump(): void {
    while (this.waiting && this.credit > 0) {
      const { chunk, done } = this.waiting;
      const piece = chunk.subarray(0, Math.min(chunk.length, this.credit, maxDataBytes));
      this.credit -= piece.length;
      const isWhole = piece.length === chunk.length;
      if (isWhole) this.waiting = undefined;
      else this.waiting.chunk = chunk.subarray(piece.length);
      this.sendFrame(Frame.data, piece); // may bring its credit, and so us, back before it returns
      if (isWhole) done();
    }
  }
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
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;
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
    this.sendJson(Frame.request, id, { method, params });
    const onAbort = (): void => this.send(Frame.cancel, 0, id, Buffer.alloc(0));
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
    this.buffered.push(chunk);
    this.bufferedBytes += chunk.length;
    try {
      let frame: Buffer | undefined;
      while ((frame = this.takeFrame())) this.onFrame(frame);
    } catch (error) {
      this.close(error as Error);
    }
  }

  private takeFrame(): Buffer | undefined {
    if (this.bufferedBytes < headerBytes) return undefined;
    let head = this.buffered[0]!;
    if (head.length < headerBytes) head = this.buffered[0] = this.joined();
    const length = head.readUInt32BE(0);
    const type = head.readUInt8(4);
    if (length > (type === Frame.data ? maxDataBytes : maxControlBytes)) {
      throw new ZapError('internal/protocol', `A peer sent a frame of ${length} bytes, more than is allowed.`);
    }
    if (this.bufferedBytes < headerBytes + length) return undefined;
    const all = head.length >= headerBytes + length ? head : this.joined();
    const frame = all.subarray(0, headerBytes + length);
    const rest = all.subarray(headerBytes + length);
    this.buffered[0] = rest;
    if (rest.length === 0) this.buffered.shift();
    this.bufferedBytes -= frame.length;
    return frame;
  }

  private joined(): Buffer {
    const all = Buffer.concat(this.buffered);
    this.buffered = [all];
    return all;
  }

  private onFrame(frame: Buffer): void {
    const type = frame.readUInt8(4) as FrameType;
    const lane = frame.readUInt8(5);
    const id = frame.readUInt32BE(6);
    const payload = frame.subarray(headerBytes);
    switch (type) {
      case Frame.request:
        return this.onRequest(id, parseJson(payload) as { method: string; params: unknown });
      case Frame.result: {
        const call = this.outgoing.get(id);
        this.outgoing.delete(id);
        for (const stream of call?.lanes.values() ?? []) stream.receiveEnd();
        return call?.resolve?.(payload.length === 0 ? undefined : parseJson(payload));
      }
      case Frame.error: {
        const call = this.outgoing.get(id);
        this.outgoing.delete(id);
        for (const stream of call?.lanes.values() ?? []) stream.receiveEnd();
        return call?.reject?.(ZapError.fromWire(parseJson(payload) as WireError));
      }
      case Frame.event:
        return this.outgoing.get(id)?.onEvent?.(parseJson(payload));
      case Frame.cancel:
        return this.incoming.get(id)?.abort?.abort();
      case Frame.data:
      case Frame.end:
      case Frame.credit: {
        const call = this.outgoing.get(id) ?? this.incoming.get(id);
        if (!call || lane >= maxLanes) return; // the call has ended meanwhile
        const stream = this.laneOf(call, id, lane);
        if (type === Frame.data) stream.receive(Buffer.from(payload));
        else if (type === Frame.end) stream.receiveEnd();
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
      event: (data) => this.sendJson(Frame.event, id, data),
      lane: (index, windowBytes) => {
        const lane = this.laneOf(call, id, index);
        if (windowBytes !== undefined) lane.narrow(windowBytes);
        return lane;
      },
    };
    const running = handler(request.method, request.params, context)
      .then(
        (value) => this.sendJson(Frame.result, id, value ?? null),
        (error: unknown) => this.sendJson(Frame.error, id, ZapError.from(error).toWire()),
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
    const header = Buffer.allocUnsafe(headerBytes);
    header.writeUInt32BE(payload.length, 0);
    header.writeUInt8(type, 4);
    header.writeUInt8(lane, 5);
    header.writeUInt32BE(id, 6);
    this.writable.write(payload.length === 0 ? header : Buffer.concat([header, payload]));
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
