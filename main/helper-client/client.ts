/**
 * A helper as typed calls.
 *
 * Inputs and outputs have the contract's types; what a helper sends is validated against it, because a host may be wrong or hostile.
 */
import type { Duplex, Readable } from 'node:stream';
import { Connection } from '../../helper/protocol/connection';
import { contract, protocolRange, type EventOf, type Input, type Method, type Output } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import type { RemoteProcess, Transport } from '../ssh/transport';
import { version } from '../../package.json';

export interface HelperCallOptions<M extends Method> {
  signal?: AbortSignal | undefined;
  onEvent?: ((event: EventOf<M>) => void) | undefined;
}

export interface HelperCall<M extends Method> {
  result: Promise<Output<M>>;
  /** Byte stream `index` of the call, as the contract describes it. */
  lane(index: number): Duplex;
}

const LOG_LINES = 40;

export class HelperClient {
  private readonly connection: Connection;
  private readonly log: string[] = [];
  private greeting: Output<'hello'> | undefined;

  private constructor(
    readonly host: string,
    process: RemoteProcess,
    /** The way to the host, closed with the client. */
    readonly transport: Transport,
  ) {
    this.connection = new Connection(process.stdout, process.stdin);
    process.stdout.resume(); // it was paused while the greeting was looked for
    keepLastLines(process.stderr, this.log);
  }

  /** Speaks to a helper whose greeting has gone by. */
  static async over(host: string, process: RemoteProcess, transport: Transport): Promise<HelperClient> {
    const client = new HelperClient(host, process, transport);
    try {
      client.greeting = await client.call('hello', { client: `zap ${version}`, min: protocolRange.min, max: protocolRange.max });
      const { protocol } = client.greeting;
      if (protocol < protocolRange.min || protocol > protocolRange.max) {
        throw new ZapError('host/helper-mismatch', `The helper on ${host} speaks version ${protocol} of the protocol, this program ${protocolRange.min} to ${protocolRange.max}.`, { data: { host } });
      }
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get hello(): Output<'hello'> {
    return this.greeting!;
  }

  /** Resolves when the connection has ended. */
  get closed(): Promise<void> {
    return this.connection.closed;
  }

  call<M extends Method>(method: M, params: Input<M>, options: HelperCallOptions<M> = {}): Promise<Output<M>> {
    return this.start(method, params, options).result;
  }

  start<M extends Method>(method: M, params: Input<M>, options: HelperCallOptions<M> = {}): HelperCall<M> {
    const definition = contract[method];
    const { onEvent } = options;
    const pending = this.connection.call(method, params, {
      signal: options.signal,
      onEvent: onEvent && ((data) => onEvent(parse('event' in definition ? definition.event : undefined, data, this.host, method) as EventOf<M>)),
    });
    const isQuestion = 'isQuestion' in definition && definition.isQuestion === true;
    const answer = isQuestion && options.signal ? unlessCancelled(pending.result, options.signal) : pending.result;
    const result = answer.then(
      (value) => parse(definition.out, value, this.host, method) as Output<M>,
      (error: unknown) => {
        throw this.withHost(ZapError.from(error));
      },
    );
    return { result, lane: (index) => pending.lane(index) };
  }

  close(): void {
    this.connection.close();
    this.transport.close();
  }

  private withHost(error: ZapError): ZapError {
    const data = { ...error.data, host: this.host };
    if (error.code !== 'host/connection-lost') return new ZapError(error.code, error.message, { hint: error.hint, evidence: error.evidence, data, cause: error.cause });
    return new ZapError(error.code, `The connection to ${this.host} ended.`, { evidence: error.evidence ?? [...this.log], data, cause: error.cause ?? error });
  }
}

/** A helper that hangs must not keep a person who has given up. */
function unlessCancelled<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new ZapError('cancelled/by-user', 'Cancelled.'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function parse(schema: { safeParse(value: unknown): { success: boolean; data?: unknown; error?: { message: string } } } | undefined, value: unknown, host: string, method: string): unknown {
  const parsed = schema?.safeParse(value);
  if (parsed?.success) return parsed.data;
  throw new ZapError('internal/protocol', `The helper on ${host} answered "${method}" with something that is not in the contract.`, { evidence: parsed?.error?.message.split('\n').slice(0, 20), data: { host, method } });
}

function keepLastLines(stream: Readable, lines: string[]): void {
  let rest = '';
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop()!.slice(-4096);
    lines.push(...parts.filter((line) => line !== '').map((line) => line.slice(0, 500)));
    lines.splice(0, lines.length - LOG_LINES);
  });
}
