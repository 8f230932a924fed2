import { expect, test } from 'vitest';
import { decode, encode } from './messages';
import { dumpOptions, restoreOptions } from './options';

const always = { imagesDirFd: -1, imagesDir: '/ck', logLevel: 2, extUnixSk: true, fileLocks: true, manageCgroupsMode: 0, emptyNs: 0x40000000, external: ['mnt[]'], networkLock: 3 };
const everyDump = { ...always, pid: 42, logFile: 'dump.log', tcpEstablished: true, tcpSkipInFlight: true, linkRemap: true, forceIrmap: true, ghostLimit: 268435456 };
const everyRestore = { ...always, logFile: 'restore.log', root: '/pods/p/root' };
const dump = { initPid: 42, imagesDirectory: '/ck' };
const restore = { imagesDirectory: '/ck', rootDirectory: '/pods/p/root' };

test.each([
  ['a move or suspend', dump, everyDump],
  ['a clone keeps its original', { ...dump, isClone: true }, { ...everyDump, leaveRunning: true }],
  ['through the cgroup', { ...dump, freezeCgroup: '/sys/fs/cgroup/zap/p' }, { ...everyDump, freezeCgroup: '/sys/fs/cgroup/zap/p' }],
  ['shared directories', { ...dump, external: ['mnt[/data]:data'] }, { ...everyDump, external: ['mnt[]', 'mnt[/data]:data'] }],
  ['a longer log', { ...dump, logLevel: 4 }, { ...everyDump, logLevel: 4 }],
  ['a freeze of at most 1.5 s: CRIU counts whole seconds', { ...dump, freezeTimeoutMs: 1500 }, { ...everyDump, timeout: 2 }],
  ['larger deleted files', { ...dump, ghostLimitBytes: 2 ** 30 }, { ...everyDump, ghostLimit: 2 ** 30 }],
])('dump: %s', (_, facts, options) => {
  expect(dumpOptions(facts)).toEqual(options);
});

test.each([
  ['a move or resume', restore, { ...everyRestore, tcpEstablished: true }],
  ['a clone finds its connections closed', { ...restore, isClone: true }, { ...everyRestore, tcpClose: true }],
  ['images are used up', { ...restore, shouldConsumeImages: true }, { ...everyRestore, tcpEstablished: true, autoDedup: true }],
  ['shared directories', { ...restore, external: ['mnt[data]:/data'] }, { ...everyRestore, tcpEstablished: true, external: ['mnt[]', 'mnt[data]:/data'] }],
])('restore: %s', (_, facts, options) => {
  expect(restoreOptions(facts)).toEqual(options);
});

test('what is set to zero is told to CRIU, whose own choice would be another', () => {
  const request = encode('Request', { type: 2, opts: restoreOptions(restore) });
  expect(decode('Request', request).opts).toMatchObject({ manageCgroupsMode: 0 });
});
