/** The `zap` command as other programs run it: a process, its exit code, and one JSON object. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';

export const program = join(import.meta.dirname, '../../../dist/zap.mjs');

export interface Ended {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
}

export interface ZapFailure {
  exitCode: number;
  code: string;
  message: string;
  hint: string | undefined;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
}

export interface RunOptions {
  /** Standard input, at its end after this; nothing without it. */
  input?: string | Buffer;
}

export class Zap {
  constructor(readonly home: string) {}

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, ZAP_HOME: this.home };
  }

  start(args: readonly string[], { input = '' }: RunOptions = {}): Running {
    const child = spawn(process.execPath, [program, ...args], { env: this.environment, stdio: ['pipe', 'pipe', 'pipe'] });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {}); // it need not read what it is given
    child.stdin.end(input);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ exitCode: code ?? -1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }));
    });
    return { child, ended };
  }

  run(args: readonly string[], options?: RunOptions): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** What `zap … --json` prints when it succeeds. */
  async json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    return answer<T>(args, await this.run(withJson(args)));
  }

  /** How `zap … --json` fails; its success is a failure of the test. */
  async failure(...args: string[]): Promise<ZapFailure> {
    return failureOf(args, await this.run(withJson(args)));
  }
}

export function answer<T>(args: readonly string[], ended: Ended): T {
  expect(`${ended.exitCode} ${ended.exitCode === 0 ? '' : ended.stdout.toString() + ended.stderr}`, `zap ${args.join(' ')}`).toBe('0 ');
  return onlyObject(ended) as T;
}

export function failureOf(args: readonly string[], ended: Ended): ZapFailure {
  expect(ended.exitCode, `zap ${args.join(' ')} printed ${ended.stdout.toString()}`).not.toBe(0);
  const { error, ...rest } = onlyObject(ended) as { error: Omit<ZapFailure, 'exitCode'> };
  expect(rest).toEqual({});
  expect(Object.keys(error).filter((key) => !['code', 'message', 'hint'].includes(key))).toEqual([]);
  expect(error.message).not.toBe('');
  return { exitCode: ended.exitCode, ...error };
}

/** One JSON object on one line of standard output, and nothing else anywhere. */
function onlyObject({ stdout, stderr }: Ended): unknown {
  expect(stderr).toBe('');
  const text = stdout.toString();
  expect(text.indexOf('\n')).toBe(text.length - 1);
  return JSON.parse(text);
}

function withJson(args: readonly string[]): string[] {
  const dashes = args.indexOf('--');
  return dashes < 0 ? [...args, '--json'] : [...args.slice(0, dashes), '--json', ...args.slice(dashes)];
}
