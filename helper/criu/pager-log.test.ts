import { describe, expect, it } from 'vitest';
import { shareMemory } from '../system/mapped-memory';
import { faultEvent } from '../system/user-faults';
import { PagerLog } from './pager-log';

const lineBytes = 32;
const headBytes = 64;

/** What the kernel would have put there before the reader was killed. */
function readButNotNoted(log: PagerLog, { event, fd, line, words }: { event: number; fd: number; line: number; words: number[] }): void {
  const { bytes } = shareMemory(log.fd);
  bytes.writeUInt32LE(fd, 4);
  const at = headBytes + line * lineBytes;
  bytes.writeUInt8(event, at);
  words.forEach((word, index) => bytes.writeBigUInt64LE(BigInt(word), at + 8 + index * 8));
}

describe('PagerLog', () => {
  it('tells a successor all that was written, in order', () => {
    const log = PagerLog.make();
    expect(log.isEmpty).toBe(true);
    log.write({ kind: 'connected', fd: 9 });
    log.write({ kind: 'process', fd: 17, pid: 42, pagesFd: 18, pagemapFd: 19 });
    log.write({ kind: 'restored' });
    log.write({ kind: 'forced' });
    log.write({ kind: 'closed', fd: 17 });
    expect(new PagerLog(log.fd).replay()).toEqual([{ kind: 'connected', fd: 9 }, { kind: 'process', fd: 17, pid: 42, pagesFd: 18, pagemapFd: 19 }, { kind: 'restored' }, { kind: 'forced' }, { kind: 'closed', fd: 17 }]);
  });

  it('tells what was read when its reader died', () => {
    const log = PagerLog.make();
    log.write({ kind: 'restored' });
    readButNotNoted(log, { event: faultEvent.remap, fd: 21, line: 1, words: [0x7f0000001000, 0x7f0000009000, 0x2000] });
    const told = [{ kind: 'restored' }, { kind: 'move', fd: 21, from: 0x7f0000001000, to: 0x7f0000009000, bytes: 0x2000 }];
    expect(new PagerLog(log.fd).replay()).toEqual(told);
    log.write({ kind: 'closed', fd: 21 });
    expect(new PagerLog(log.fd).replay()).toEqual([...told, { kind: 'closed', fd: 21 }]);
  });

  it('does not tell of a fault: who waits asks again', () => {
    const log = PagerLog.make();
    readButNotNoted(log, { event: faultEvent.pageFault, fd: 21, line: 0, words: [1, 0x7f0000001000] });
    expect(new PagerLog(log.fd).replay()).toEqual([]);
    log.write({ kind: 'restored' });
    expect(new PagerLog(log.fd).replay()).toEqual([{ kind: 'restored' }]);
  });

  it('keeps the word that was not acted on', () => {
    const log = PagerLog.make();
    shareMemory(log.fd).bytes.writeInt32LE(77, log.wordAddress % 4096);
    expect(new PagerLog(log.fd).word).toBe(77);
    log.forgetWord();
    expect(new PagerLog(log.fd).word).toBe(0);
  });
});
