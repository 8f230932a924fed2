/** This computer as a host: programs start here, through sudo when we are not root. */
import { spawn } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import type { RemoteProcess, Transport } from './transport';

export class LocalTransport implements Transport {
  private readonly children = new Set<() => void>();

  async exec(argv: readonly string[]): Promise<RemoteProcess> {
    const [program, ...args] = argv as [string, ...string[]];
    // A session of its own: Ctrl-C on the terminal is for this program to hear, not for the helper.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const end = (): void => void child.stdin.end();
    this.children.add(end);
    const exit = new Promise<number | null>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve(error.code === 'ENOENT' ? 127 : 126); // as a shell says it
      });
      child.once('close', (code) => resolve(code));
    });
    void exit.then(() => this.children.delete(end));
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit };
  }

  async upload(localPath: string, remotePath: string): Promise<void> {
    await copyFile(localPath, remotePath);
  }

  close(): void {
    for (const end of this.children) end();
  }
}
