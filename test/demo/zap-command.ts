/** The `zap` command, run as a person at a terminal would run it. */
import { spawn } from 'node:child_process';
import { ZapError, type ErrorCode } from '../../helper/protocol/errors';

/** A command that failed and has said so itself. */
export class AlreadyTold extends Error {
  constructor(readonly exitCode: number) {
    super('already told');
  }
}

export interface ZapCommand {
  /** Runs it for its JSON; a failure is the command's own error. */
  json<T>(...args: string[]): Promise<T>;
  /** Runs it for people: its progress shows on the terminal. */
  shown(...args: string[]): Promise<void>;
}

export function zapCommand(program: string, signal?: AbortSignal): ZapCommand {
  return {
    async json<T>(...args: string[]): Promise<T> {
      const { exitCode, stdout } = await run(program, [...withJson(args)], 'ignore', signal);
      const answer = parse(stdout, args);
      if ('error' in answer) throw failure(answer.error as WireFailure);
      if (exitCode !== 0 && !('exitCode' in answer)) throw new ZapError('internal/unexpected', `"zap ${args.slice(0, 2).join(' ')}" ended with exit code ${exitCode}.`);
      return answer as T;
    },
    async shown(...args) {
      const { exitCode } = await run(program, args, 'inherit', signal);
      if (exitCode !== 0) throw new AlreadyTold(exitCode);
    },
  };
}

interface WireFailure {
  code: ErrorCode;
  message: string;
  hint?: string;
}

function failure({ code, message, hint }: WireFailure): ZapError {
  return new ZapError(code, message, { hint });
}

/** Behind `--` stands the command of a POD. */
function withJson(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return end < 0 ? [...args, '--json'] : [...args.slice(0, end), '--json', ...args.slice(end)];
}

function parse(stdout: string, args: readonly string[]): object {
  try {
    return JSON.parse(stdout) as object;
  } catch (cause) {
    throw new ZapError('internal/unexpected', `"zap ${args.slice(0, 2).join(' ')}" printed no JSON.`, { evidence: stdout.split('\n').slice(-5), cause });
  }
}

async function run(program: string, args: string[], stderr: 'ignore' | 'inherit', signal: AbortSignal | undefined): Promise<{ exitCode: number; stdout: string }> {
  signal?.throwIfAborted();
  // A process group of its own: Ctrl-C on the terminal reaches it once, through us. A second one would make it leave without undoing anything.
  const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: ['ignore', 'pipe', stderr] });
  const interrupt = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGINT'));
  signal?.addEventListener('abort', interrupt, { once: true });
  const chunks: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
    signal?.throwIfAborted();
    return { exitCode, stdout: Buffer.concat(chunks).toString() };
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}
