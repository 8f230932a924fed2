/**
 * Child processes.
 *
 * The only place in the helper that starts programs. Arguments are always arrays; there is no shell, and children inherit no environment but the
 * one given here.
 */
import { spawn as nodeSpawn, type ChildProcess, type SpawnOptions, type StdioOptions } from 'node:child_process';
import { ZapError, type ErrorCode } from '../protocol/errors';
import { withOwnProcessors } from './scheduling';
import { commonUmask, withUmask } from './umask';

export const childEnvironment: NodeJS.ProcessEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
};

/** Not those that start something else: what comes of runc and CRIU is a POD, whose sudo must work. */
const contentPrograms = new Set(['ip', 'nft', 'arping']);

export interface RunOptions {
  /** Written to the child's standard input, which is /dev/null without it. */
  input?: string | Buffer;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Code of the error thrown when the program fails; default `system/command-failed`. */
  code?: ErrorCode;
  /** False when the program leaves children behind that would keep its output open: then output goes nowhere. Default true. */
  captureOutput?: boolean;
  /** True when neither the program nor what it starts may gain rights by set-user-ID or file capabilities. Default: for those that can do without. */
  mayGainNoRights?: boolean;
  /** Receives each line of standard output and standard error as it comes. */
  onLine?: (line: string) => void;
}

export interface RunResult {
  stdout: string;
  stderr: string;
}

/** Starts a program with full control over its descriptors. */
export function start(program: string, args: readonly string[], options: SpawnOptions & { stdio: StdioOptions }): ChildProcess {
  return withOwnProcessors(() => withUmask(commonUmask, () => nodeSpawn(program, args, { env: childEnvironment, ...options })));
}

/** Runs a program to its end; a non-zero exit is a ZapError with the last lines of its standard error as evidence. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const output = options.captureOutput === false ? 'ignore' : 'pipe';
  const mayGainNoRights = options.mayGainNoRights ?? contentPrograms.has(program);
  const [starter, ...words] = mayGainNoRights ? ['setpriv', '--no-new-privs', '--', program, ...args] : [program, ...args];
  const child = start(starter!, words, {
    env: { ...childEnvironment, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  if (options.onLine) {
    for (const stream of [child.stdout, child.stderr]) if (stream) forEachLine(stream, options.onLine);
  }
  if (options.input !== undefined) {
    child.stdin!.on('error', () => {}); // a program may end without reading its input
    child.stdin!.end(options.input);
  }
  const status = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        reject(missing(starter!, error));
      } else reject(error);
    });
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  const result = { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  if (mayGainNoRights && status === 127 && /^setpriv: failed to execute/m.test(result.stderr)) throw missing(program);
  if (status !== 0) {
    const evidence = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-20);
    throw new ZapError(options.code ?? 'system/command-failed', `"${[program, ...args].slice(0, 4).join(' ')}" failed (${status}): ${evidence.at(-1) ?? ''}`, {
      evidence,
      data: { program, status },
    });
  }
  return result;
}

function missing(program: string, cause?: unknown): ZapError {
  return new ZapError('system/program-missing', `The program "${program}" is not installed on this host.`, { data: { program }, cause });
}

function forEachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  stream.on('end', () => {
    if (rest) onLine(rest);
  });
}
