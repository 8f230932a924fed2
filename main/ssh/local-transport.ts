/** This computer as a host: programs start here, through sudo when we are not root. */
import { spawn } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';
import type { HostTerminal, RemoteProcess, TerminalOptions, Transport } from './transport';

export class LocalTransport implements Transport {
  private readonly children = new Set<() => void>();

  async exec(argv: readonly string[]): Promise<RemoteProcess> {
    const [program, ...args] = argv as [string, ...string[]];
    // A session of its own: Ctrl-C on the terminal is for this program to hear, not for the helper.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const end = (): void => void child.stdin.end();
    this.children.add(end);
    const stderr = child.stderr.pipe(new PassThrough());
    const exit = new Promise<number | null>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        // As a shell says it.
        stderr.end(`${program}: ${error.code === 'ENOENT' ? 'not found' : error.message}\n`);
        child.stdout.destroy();
        resolve(error.code === 'ENOENT' ? 127 : 126);
      });
      child.once('close', (code) => resolve(code));
    });
    void exit.then(() => this.children.delete(end));
    return { stdin: child.stdin, stdout: child.stdout, stderr, exit };
  }

  async upload(localPath: string, remotePath: string): Promise<void> {
    await copyFile(localPath, remotePath);
  }

  dial(address: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port });
      socket.once('connect', () => resolve(socket));
      socket.once('error', (cause) => reject(new ZapError('host/refused', `A connection to ${address}:${port} was refused.`, { cause })));
    });
  }

  async openTerminal(options: TerminalOptions): Promise<HostTerminal> {
    const { openLocalTerminal } = await import('./local-terminal'); // a native part, which only terminals need
    const terminal = openLocalTerminal(options);
    const hangUp = (): void => void terminal.stream.destroy();
    this.children.add(hangUp);
    void terminal.exit.then(() => this.children.delete(hangUp));
    return terminal;
  }

  close(): void {
    for (const end of this.children) end();
  }
}
