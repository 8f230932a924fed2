/**
 * What a pager was told, in memory that outlives it: its successor knows from it all that it knew.
 *
 * The kernel lets a process go on as soon as what it did is read, so between reading and writing down nothing may come. Hence messages are read straight
 * into the log. Whoever dies in between leaves a message behind its last line, which counts.
 */
import { faultEvent, faultMessageBytes, readFaultMessage } from '../system/user-faults';
import { sharedMemory, shareMemory } from '../system/mapped-memory';

const headBytes = 64;
/** In the head: how many lines there are, whose message is being read, the word of CRIU's that is being acted on. */
const head = { count: 0, reader: 4, word: 8 } as const;
/** Takes no room before it is written. */
const logBytes = 256 * 2 ** 20;

/** Our own, beside the kernel's. */
const ownEvent = { process: 1, restored: 2, closed: 3, forced: 4, connected: 5 } as const;

/** `fd`: which process it is of. */
export type Told =
  | { kind: 'process'; fd: number; pid: number; pagesFd: number; pagemapFd: number }
  /** `fd`: to CRIU. */
  | { kind: 'connected'; fd: number }
  | { kind: 'restored' }
  /** The POD stands still until all is in place. */
  | { kind: 'forced' }
  | { kind: 'closed'; fd: number }
  | { kind: 'fork'; fd: number; childFd: number }
  | { kind: 'move'; fd: number; from: number; to: number; bytes: number }
  | { kind: 'remove' | 'unmap'; fd: number; start: number; end: number };

export interface Fault {
  kind: 'fault';
  fd: number;
  address: number;
}

export class PagerLog {
  private readonly bytes: Buffer;
  private readonly address: number;

  constructor(readonly fd: number) {
    ({ bytes: this.bytes, address: this.address } = shareMemory(fd));
  }

  static make(): PagerLog {
    return new PagerLog(sharedMemory('zap-pager', logBytes));
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  private get count(): number {
    return this.bytes.readUInt32LE(head.count);
  }

  /** No more can be told. */
  get isFull(): boolean {
    return this.tail + faultMessageBytes > this.bytes.length;
  }

  private get tail(): number {
    return headBytes + this.count * faultMessageBytes;
  }

  /** Everything told so far, a message that was read and not handled included. */
  replay(): Told[] {
    const event = this.isFull ? 0 : this.bytes.readUInt8(this.tail);
    if (event === faultEvent.pageFault) this.bytes.fill(0, this.tail, this.tail + faultMessageBytes);
    else if (event !== 0) this.finish(this.bytes.readUInt32LE(head.reader));
    return Array.from({ length: this.count }, (_, index) => this.line(headBytes + index * faultMessageBytes)) as Told[];
  }

  /** The next message of a process, if there is one. */
  read(fd: number): Told | Fault | undefined {
    const at = this.tail;
    this.bytes.writeUInt32LE(fd, head.reader);
    if (!readFaultMessage(fd, this.address + at)) return undefined;
    if (this.bytes.readUInt8(at) === faultEvent.pageFault) {
      const address = readAddress(this.bytes, at + 16);
      this.bytes.fill(0, at, at + faultMessageBytes);
      return { kind: 'fault', fd, address };
    }
    this.finish(fd);
    return this.line(at);
  }

  write(told: Extract<Told, { kind: 'process' | 'connected' | 'restored' | 'forced' | 'closed' }>): void {
    const at = this.tail;
    const [fd, ...rest] = told.kind === 'process' ? [told.fd, told.pid, told.pagesFd, told.pagemapFd] : 'fd' in told ? [told.fd] : [0];
    rest.forEach((value, index) => this.bytes.writeInt32LE(value, at + 8 + index * 4));
    this.bytes.writeUInt8(ownEvent[told.kind], at);
    this.finish(fd);
  }

  /** Where CRIU's next word is to be read to. */
  get wordAddress(): number {
    return this.address + head.word;
  }

  /** The word that was read and not acted on; zero is none. */
  get word(): number {
    return this.bytes.readInt32LE(head.word);
  }

  forgetWord(): void {
    this.bytes.writeInt32LE(0, head.word);
  }

  private finish(fd: number): void {
    const at = this.tail;
    this.bytes.writeUInt32LE(fd, at + 4);
    this.bytes.writeUInt32LE(this.count + 1, head.count);
  }

  private line(at: number): Told {
    const { bytes } = this;
    const fd = bytes.readUInt32LE(at + 4);
    const address = (index: number): number => readAddress(bytes, at + 8 + index * 8);
    const event = bytes.readUInt8(at);
    switch (event) {
      case ownEvent.process: return { kind: 'process', fd, pid: bytes.readInt32LE(at + 8), pagesFd: bytes.readInt32LE(at + 12), pagemapFd: bytes.readInt32LE(at + 16) };
      case ownEvent.connected: return { kind: 'connected', fd };
      case ownEvent.restored: return { kind: 'restored' };
      case ownEvent.forced: return { kind: 'forced' };
      case ownEvent.closed: return { kind: 'closed', fd };
      case faultEvent.fork: return { kind: 'fork', fd, childFd: bytes.readUInt32LE(at + 8) };
      case faultEvent.remap: return { kind: 'move', fd, from: address(0), to: address(1), bytes: address(2) };
      case faultEvent.remove: return { kind: 'remove', fd, start: address(0), end: address(1) };
      case faultEvent.unmap: return { kind: 'unmap', fd, start: address(0), end: address(1) };
      default: throw new Error(`userfaultfd: unknown event ${event}`);
    }
  }
}

function readAddress(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
