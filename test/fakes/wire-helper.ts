/**
 * A helper at the wire: the real protocol over a pair of streams, with answers of a test's choosing and, if wished, a hostile way of sending them.
 */
import { Duplex, PassThrough, Transform } from 'node:stream';
import { Connection, type CallContext } from '../../helper/protocol/connection';
import { contract, type Input, type Method } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import { GREETING } from '../../main/helper-client/greeting';
import type { RemoteProcess, Transport } from '../../main/ssh/transport';

export type Answers = { [M in Method]?: (params: Input<M>, context: CallContext) => unknown };

export interface WireOptions {
  /** Sent before the greeting, as a login shell would. */
  noise?: Buffer;
  /** Every byte arrives alone. */
  bytewise?: boolean;
  /** The connection breaks after so many bytes from the helper. */
  cutAfterBytes?: number;
  greeting?: Buffer;
}

export interface WireHelper {
  process: RemoteProcess;
  connection: Connection;
  calls: Method[];
}

const hello = (): unknown => ({ protocol: 1, version: 'fake', hostname: 'fake', bootId: 'boot', arch: 'x64', features: [] });

export function wireHelper(answers: Answers, options: WireOptions = {}): WireHelper {
  const toHelper = new PassThrough();
  const fromHelper = new PassThrough();
  const calls: Method[] = [];
  const all: Answers = { hello, ...answers };
  fromHelper.write(Buffer.concat([options.noise ?? Buffer.alloc(0), options.greeting ?? GREETING]));
  const connection = new Connection(toHelper, fromHelper, {
    handler: async (method, params, context) => {
      calls.push(method as Method);
      const answer = all[method as Method] as ((params: unknown, context: CallContext) => unknown) | undefined;
      if (!answer) throw new ZapError('internal/unknown-call', `The fake does not answer "${method}".`);
      const { success, error } = contract[method as Method].in.safeParse(params); // as the real one would
      if (!success) throw new ZapError('usage/invalid-request', `${method}: ${error.message}`);
      return answer(params, context);
    },
    survivesClose: (method) => method.startsWith('transfer.'),
  });
  const stdout = fromHelper.pipe(wire(options));
  const exit = new Promise<number | null>((resolve) => stdout.once('close', () => resolve(null)));
  return { process: { stdin: toHelper, stdout, stderr: new PassThrough(), exit }, connection, calls };
}

/** A way to hosts on which nothing can be started but this helper. */
export function wireTransport(start: (argv: readonly string[]) => RemoteProcess | Promise<RemoteProcess>): Transport & { uploads: string[]; isClosed: boolean } {
  return {
    uploads: [],
    isClosed: false,
    exec: async (argv) => start(argv),
    async upload(_localPath, remotePath) {
      this.uploads.push(remotePath);
    },
    close() {
      this.isClosed = true;
    },
  };
}

/** A program that ended by itself, having said this. */
export function endedProcess(status: number | null, said: { stdout?: string; stderr?: string } = {}): RemoteProcess {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stderr.end(said.stderr ?? '');
  stdout.end(said.stdout ?? '');
  const exit = new Promise<number | null>((resolve) => setTimeout(() => resolve(status), 5));
  return { stdin: new PassThrough(), stdout, stderr, exit };
}

function wire({ bytewise, cutAfterBytes }: WireOptions): Duplex {
  let sent = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const room = cutAfterBytes === undefined ? chunk.length : Math.max(0, cutAfterBytes - sent);
      const passed = chunk.subarray(0, room);
      sent += passed.length;
      if (bytewise) for (let at = 0; at < passed.length; at++) this.push(passed.subarray(at, at + 1));
      else this.push(passed);
      if (room < chunk.length) this.destroy();
      else done();
    },
  });
}
