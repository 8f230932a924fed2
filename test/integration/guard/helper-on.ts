/** A helper of a lab's host, started as one of its users would, and spoken to without a client in between. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../../../helper/protocol/connection';
import type { Input, Method, Output } from '../../../helper/protocol/contract';
import { skipToGreeting } from '../../../main/helper-client/greeting';
import type { HostName, Suite } from '../support/suite';

export function installedHelper(suite: Suite, host: HostName): string {
  return join('/var/lib/zap/helper', readdirSync(suite.view(host).path('var/lib/zap/helper'))[0]!, 'zap-helper');
}

export class HelperOn implements AsyncDisposable {
  private opened: Connection | undefined;
  private readonly exited: Promise<number | null>;
  stderr = '';

  private constructor(readonly child: ChildProcessWithoutNullStreams) {
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  /** Before the first frame; `command` becomes the helper. */
  static async start(suite: Suite, host: HostName, command?: string[]): Promise<HelperOn> {
    const [program, ...args] = await suite.lab.commandOn(host, command ?? [installedHelper(suite, host), 'serve']);
    const helper = new HelperOn(spawn(program, args));
    await skipToGreeting(helper.child.stdout);
    return helper;
  }

  call<M extends Method>(method: M, params: Input<M>): Promise<Output<M>> {
    this.opened ??= new Connection(this.child.stdout, this.child.stdin);
    this.child.stdout.resume();
    return this.opened.call(method, params).result as Promise<Output<M>>;
  }

  /** A receiving end, and where it listens. */
  receive(transfer: string, key: string): { result: Promise<Output<'transfer.receive'>>; listening: Promise<{ addresses: string[]; port: number }> } {
    this.opened ??= new Connection(this.child.stdout, this.child.stdin);
    this.child.stdout.resume();
    let heard!: (where: { addresses: string[]; port: number }) => void;
    const listening = new Promise<{ addresses: string[]; port: number }>((resolve) => (heard = resolve));
    const { result } = this.opened.call('transfer.receive', { transfer, key, relay: false }, {
      onEvent: (event) => {
        if ('listening' in (event as object)) heard((event as { listening: { addresses: string[]; port: number } }).listening);
      },
    });
    return { result: result as Promise<Output<'transfer.receive'>>, listening };
  }

  /** What the kernel says of the helper's own process, which is the youngest of that name. */
  status(suite: Suite, host: HostName): string {
    const proc = suite.view(host).path('proc');
    const pids = readdirSync(proc).filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => b - a);
    for (const pid of pids) {
      const status = readFileSync(join(proc, String(pid), 'status'), 'utf8');
      if (/^Name:\t(?:zap-helper|MainThread|node)$/m.test(status) && readFileSync(join(proc, String(pid), 'cmdline'), 'latin1').includes('zap-helper\0serve')) return status;
    }
    throw new Error('no helper runs');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.stdin.end();
    await this.exited;
  }
}
