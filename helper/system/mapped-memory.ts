/** Files seen as memory: for what the kernel is to read or write at an address, and for what must be there still when this process is not. */
import { fstatSync, ftruncateSync } from 'node:fs';
import { checked, libc, viewOf } from './native';

const mmap = libc<[number, number, number, number, number, number]>('int64_t mmap(uint64_t address, size_t length, int protection, int flags, int fd, int64_t offset)');
const munmap = libc<[number, number]>('int munmap(uint64_t address, size_t length)');
const madvise = libc<[number, number, number]>('int madvise(uint64_t address, size_t length, int advice)');
const memfdCreate = libc<[string, number]>('int memfd_create(const char *name, unsigned int flags)');
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 1;
const MADV_POPULATE_READ = 22;

/** A file's content at an address, to be read. */
export class MappedFile implements Disposable {
  private constructor(
    readonly address: number,
    readonly sizeBytes: number,
  ) {}

  static map(fd: number): MappedFile {
    const sizeBytes = fstatSync(fd).size;
    if (sizeBytes === 0) return new MappedFile(0, 0);
    return new MappedFile(checked(mmap(0, sizeBytes, PROT_READ, MAP_SHARED, fd, 0), 'mmap'), sizeBytes);
  }

  /** Makes the kernel's way to these bytes short; whole pages. Where it does not know how (before 5.14) it finds them without. */
  summon(offset: number, bytes: number): void {
    madvise(this.address + offset, bytes, MADV_POPULATE_READ);
  }

  [Symbol.dispose](): void {
    if (this.sizeBytes > 0) munmap(this.address, this.sizeBytes);
  }
}

/** A nameless file in memory that takes room only where something was written. */
export function sharedMemory(name: string, sizeBytes: number): number {
  const fd = checked(memfdCreate(name, MFD_CLOEXEC), 'memfd_create');
  ftruncateSync(fd, sizeBytes);
  return fd;
}

/** Its content as bytes that all who have the file share, and its address. */
export function shareMemory(fd: number): { bytes: Buffer; address: number } {
  const sizeBytes = fstatSync(fd).size;
  const address = checked(mmap(0, sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), 'mmap');
  return { bytes: viewOf(address, sizeBytes), address };
}
