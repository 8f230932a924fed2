/**
 * Pseudo terminals.
 *
 * A child with a controlling terminal is started through util-linux's `setsid --ctty`: Node cannot set one between fork and exec.
 */
import { closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { ChildProcess } from 'node:child_process';
import { checked, libc } from './native';
import { childEnvironment, start } from './spawn';

const posixOpenpt = libc<[number]>('int posix_openpt(int flags)');
const grantpt = libc<[number]>('int grantpt(int fd)');
const unlockpt = libc<[number]>('int unlockpt(int fd)');
const ioctlNumber = libc<[number, number, number]>('int ioctl(int fd, unsigned long request, int argument)');
const ioctlBuffer = libc<[number, number, Buffer]>('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');
const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;
const TIOCGPTPEER = 0x5441;
const TIOCSWINSZ = 0x5414;
const FIONREAD = 0x541b;

export interface WindowSize {
  columns: number;
  rows: number;
}

export class Pty implements Disposable {
  /** Both directions: one descriptor, one libuv handle. */
  readonly stream: ReadStream;

  private constructor(private readonly master: number, readonly child: ChildProcess) {
    this.stream = new ReadStream(master);
    this.stream.on('error', () => this.stream.destroy()); // EIO: how Linux says that the last program has left the terminal
  }

  /** Starts a program on a new terminal of its own; its standard streams are the terminal; `descriptors` follow them from 3 on. */
  static start(program: string, args: readonly string[], size: WindowSize, options: { term: string; descriptors?: readonly number[] }): Pty {
    const master = checked(posixOpenpt(O_RDWR | O_NOCTTY | O_CLOEXEC), 'posix_openpt');
    let slave = -1;
    try {
      checked(grantpt(master), 'grantpt');
      checked(unlockpt(master), 'unlockpt');
      setSize(master, size);
      slave = checked(ioctlNumber(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), 'ioctl(TIOCGPTPEER)'); // no path: right in any mount namespace
      const child = start('setsid', ['--ctty', '--wait', program, ...args], { stdio: [slave, slave, slave, ...(options.descriptors ?? [])], env: { ...childEnvironment, TERM: options.term } });
      return new Pty(master, child);
    } catch (error) {
      closeSync(master);
      throw error;
    } finally {
      if (slave >= 0) closeSync(slave);
    }
  }

  resize(size: WindowSize): void {
    setSize(this.master, size);
  }

  /** Bytes written to the terminal that its program has not read. Only a terminal in raw mode counts them all. */
  unreadInputBytes(): number {
    const slave = checked(ioctlNumber(this.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), 'ioctl(TIOCGPTPEER)');
    try {
      const bytes = Buffer.alloc(4);
      checked(ioctlBuffer(slave, FIONREAD, bytes), 'ioctl(FIONREAD)');
      return bytes.readInt32LE(0);
    } finally {
      closeSync(slave);
    }
  }

  [Symbol.dispose](): void {
    this.stream.destroy();
  }
}

function setSize(fd: number, size: WindowSize): void {
  const argument = Buffer.alloc(8);
  argument.writeUInt16LE(size.rows, 0);
  argument.writeUInt16LE(size.columns, 2);
  checked(ioctlBuffer(fd, TIOCSWINSZ, argument), 'ioctl(TIOCSWINSZ)');
}
