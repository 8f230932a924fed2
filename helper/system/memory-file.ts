/** Files without a name, in memory. */
import { fchmodSync, writeSync } from 'node:fs';
import { checked, libc } from './native';

const memfdCreate = libc<[string, number]>('int memfd_create(const char *name, unsigned int flags)');
const MFD_CLOEXEC = 1;

/** A program as an open file that can be executed and neither read nor changed by others than root. */
export function programInMemory(name: string, content: Buffer): number {
  const fd = checked(memfdCreate(name, MFD_CLOEXEC), 'memfd_create');
  for (let done = 0; done < content.length; ) done += writeSync(fd, content, done);
  fchmodSync(fd, 0o511);
  return fd;
}
