/** What the helper makes is root's alone (its umask is 077), but for what a POD or a program it starts must be able to read. */
export const privateUmask = 0o077;
export const commonUmask = 0o022;

/** Runs `make`, which must not wait for anything, under another umask. */
export function withUmask<T>(mask: number, make: () => T): T {
  const before = process.umask(mask);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}
