/** The user's shell on this computer, on a terminal of its own. */
import { homedir, userInfo } from 'node:os';
import { Duplex } from 'node:stream';
import { spawn, type IPty } from 'node-pty';
import { ZapError } from '../../helper/protocol/errors';
import type { HostTerminal, TerminalOptions } from './transport';

/** The shell starts as at a login; `command` replaces it. */
export function openLocalTerminal({ columns, rows, term }: TerminalOptions, command?: readonly [string, ...string[]]): HostTerminal {
  const [program, ...args] = command ?? [process.env['SHELL'] || userInfo().shell || '/bin/sh', '-l'];
  let pty: IPty;
  try {
    pty = spawn(program, args, { name: term, cols: columns, rows, cwd: homedir(), env: { ...process.env, TERM: term }, encoding: null });
  } catch (cause) {
    throw new ZapError('host/no-terminal', `A terminal cannot be opened on this computer: ${(cause as Error).message}`, { cause });
  }
  const exit = new Promise<number | null>((resolve) => void pty.onExit(({ exitCode, signal }) => resolve(signal ? null : exitCode)));
  return { stream: new PtyStream(pty, exit), resize: (size) => resize(pty, size.columns, size.rows), exit };
}

class PtyStream extends Duplex {
  constructor(
    private readonly pty: IPty,
    exit: Promise<unknown>,
  ) {
    super();
    pty.onData((data) => {
      if (!this.push(data)) pty.pause();
    });
    void exit.then(() => this.push(null));
  }

  override _read(): void {
    this.pty.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.pty.write(chunk);
    done();
  }

  /** The end of input of a terminal is its hanging up. */
  override _final(done: () => void): void {
    this.hangUp();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.hangUp();
    done(error);
  }

  private hangUp(): void {
    try {
      this.pty.kill('SIGHUP');
    } catch {
      // it has ended
    }
  }
}

function resize(pty: IPty, columns: number, rows: number): void {
  try {
    pty.resize(columns, rows);
  } catch {
    // it has ended
  }
}
