/** The viewer's part of RFB's handshake, version 3.8 without a password: all of it said at once, then compared with what the server answers. */
import type { ByteQueue } from './byte-queue';
import { lie } from './rfb-server';

const MAX_TEXT_BYTES = 64 << 10;
const SECURITY_NONE = 1;

export const greeting = Buffer.from('RFB 003.008\n');

export class RfbHandshake {
  /** Version, kind of security, and that others may go on watching. */
  readonly opening = Buffer.concat([greeting, Buffer.from([SECURITY_NONE, 1])]);
  /** The server's last word: size, format of pixels and name. */
  init: Buffer | undefined;
  private next: 'greeting' | 'security' | 'result' | 'init' = 'greeting';

  /** Takes what is there; true once all is. */
  take(queue: ByteQueue): boolean {
    while (!this.init) {
      const length = this.step(queue.bytes);
      if (length === undefined) return false;
      queue.skip(length);
    }
    return true;
  }

  private step(bytes: Buffer): number | undefined {
    switch (this.next) {
      case 'greeting': {
        if (bytes.length < 12) return undefined;
        const version = /^RFB 003\.(\d{3})\n$/.exec(bytes.toString('latin1', 0, 12));
        if (!version || Number(version[1]) < 8) throw lie('its greeting is not that of RFB 3.8');
        this.next = 'security';
        return 12;
      }
      case 'security': {
        const count = bytes[0];
        if (count === undefined || bytes.length < 1 + count) return undefined;
        if (count === 0) return this.refused(bytes.subarray(1));
        if (!bytes.subarray(1, 1 + count).includes(SECURITY_NONE)) throw lie('it asks for a password');
        this.next = 'result';
        return 1 + count;
      }
      case 'result':
        if (bytes.length < 4) return undefined;
        if (bytes.readUInt32BE(0) !== 0) return this.refused(bytes.subarray(4));
        this.next = 'init';
        return 4;
      case 'init': {
        if (bytes.length < 24) return undefined;
        const nameBytes = bytes.readUInt32BE(20);
        if (nameBytes > MAX_TEXT_BYTES) throw lie(`its name is ${nameBytes} bytes long`);
        if (bytes.length < 24 + nameBytes) return undefined;
        this.init = Buffer.from(bytes.subarray(0, 24 + nameBytes));
        return this.init.length;
      }
    }
  }

  private refused(bytes: Buffer): undefined {
    const length = bytes.length < 4 ? undefined : bytes.readUInt32BE(0);
    if (length !== undefined && length > MAX_TEXT_BYTES) throw lie(`its refusal is ${length} bytes long`);
    if (length === undefined || bytes.length < 4 + length) return undefined;
    throw lie(`it refuses: ${bytes.toString('latin1', 4, 4 + length)}`);
  }
}
