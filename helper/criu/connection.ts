/**
 * One end of CRIU's RPC socket: whole messages in, whole messages out.
 *
 * Reading waits in Node's thread pool (a seqpacket socket is nothing libuv can poll), so `receive` is only called while CRIU has something to do:
 * neither a session that waits for the freeze nor one that is held in a notification keeps a thread.
 */
import { closeSync, read, writeSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { checked, libc } from '../system/native';
import { decode, encode, type CriuRequest, type CriuResponse } from './messages';

const shutdownCall = libc<[number, number]>('int shutdown(int fd, int how)');
const closeRangeCall = libc<[number, number, number]>('int close_range(unsigned int first, unsigned int last, int flags)');
const SHUT_RDWR = 2;
const CLOSE_RANGE_CLOEXEC = 4;
const bufferBytes = 2 ** 20;

/**
 * Keeps every descriptor above standard error out of the programs started from here.
 *
 * Node opens its own close-on-exec and repairs what it inherits only up to the first gap after 15: one that sshd or a test runner left at 251 would
 * end up in CRIU, and a probe tree that holds it cannot be dumped.
 */
export function markCloseOnExec(): void {
  checked(closeRangeCall(3, 0xffffffff, CLOSE_RANGE_CLOEXEC), 'close_range');
}

export class CriuConnection {
  #fd: number;
  #pendingRead: Promise<CriuResponse | undefined> | undefined;
  #buffer: Buffer | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** False: CRIU is gone. */
  send(request: CriuRequest): boolean {
    if (this.#fd === -1) return false;
    try {
      writeSync(this.#fd, encode('Request', request));
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE' || code === 'ECONNRESET') return false;
      throw error;
    }
  }

  /** The next message; undefined once CRIU is gone. */
  async receive(): Promise<CriuResponse | undefined> {
    if (this.#fd === -1) return undefined;
    this.#pendingRead = this.#read();
    try {
      return await this.#pendingRead;
    } finally {
      this.#pendingRead = undefined;
    }
  }

  /** Ends both directions: CRIU sees its client gone, a waiting `receive` returns what was still queued, then undefined. */
  shutdown(): void {
    if (this.#fd !== -1) shutdownCall(this.#fd, SHUT_RDWR); // ENOTCONN: CRIU closed first
  }

  async close(): Promise<void> {
    if (this.#fd === -1) return;
    this.shutdown();
    await this.#pendingRead?.catch(() => undefined); // the descriptor's number must not be reused under a reader
    if (this.#fd === -1) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #read(): Promise<CriuResponse | undefined> {
    const buffer = (this.#buffer ??= Buffer.allocUnsafe(bufferBytes));
    return new Promise((resolve, reject) => {
      read(this.#fd, buffer, 0, bufferBytes, null, (error, sizeBytes) => {
        if (error?.code === 'ECONNRESET') resolve(undefined);
        else if (error) reject(error);
        else if (sizeBytes === 0) resolve(undefined);
        else if (sizeBytes === bufferBytes) {
          reject(new ZapError('criu/message-too-long', 'CRIU sent a message of more than 1 MiB, which was cut off.', { data: { bufferBytes } }));
        } else {
          try {
            resolve(decode('Response', buffer.subarray(0, sizeBytes)));
          } catch (cause) {
            reject(new ZapError('criu/message-unreadable', 'CRIU sent a message that cannot be read.', { cause, data: { sizeBytes } }));
          }
        }
      });
    });
  }
}
