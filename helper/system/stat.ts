/** `struct statx`, decoded. One buffer serves all calls: they are synchronous. */

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'character' | 'block' | 'socket';

export interface FileStat {
  type: FileType;
  /** Permission bits with setuid, setgid and sticky, without the type. */
  mode: number;
  uid: number;
  gid: number;
  linkCount: number;
  /** Inode number; above 2^53 it is rounded, good enough to compare together with the times. */
  inode: number;
  sizeBytes: number;
  /** Space taken; less than the size says that there are holes. */
  allocatedBytes: number;
  changeSeconds: number;
  changeNanoseconds: number;
  modifySeconds: number;
  modifyNanoseconds: number;
  deviceMajor: number;
  deviceMinor: number;
}

const types: Record<number, FileType> = { 1: 'fifo', 2: 'character', 4: 'directory', 6: 'block', 8: 'file', 10: 'symlink', 12: 'socket' };
const wordCount = 64;
const words = new Uint32Array(wordCount);
export const statBuffer = new Uint8Array(words.buffer);

const wide = (word: number): number => words[word]! + words[word + 1]! * 0x1_0000_0000;
const wideSigned = (word: number): number => words[word]! + (words[word + 1]! | 0) * 0x1_0000_0000;

/** Reads what the last call left in `statBuffer`. */
export function decodeStat(): FileStat {
  const mode = words[7]! & 0xffff;
  return {
    type: types[mode >> 12] ?? 'file',
    mode: mode & 0o7777,
    uid: words[5]!,
    gid: words[6]!,
    linkCount: words[4]!,
    inode: wide(8),
    sizeBytes: wide(10),
    allocatedBytes: wide(12) * 512,
    changeSeconds: wideSigned(24),
    changeNanoseconds: words[26]!,
    modifySeconds: wideSigned(28),
    modifyNanoseconds: words[30]!,
    deviceMajor: words[32]!,
    deviceMinor: words[33]!,
  };
}
