import { expect, test } from 'vitest';
import { causes } from './failure-causes';
import { criuFailure, evidenceOf } from './failure';

const noise = "Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted";
const failed = (log: string, operation: 'dump' | 'restore' | 'check' = 'dump') => criuFailure({ operation, log });

/** Lines as CRIU 4.2 writes them. */
const seen: [code: string, line: string, sentence: RegExp][] = [
  ['criu/too-old-for-kernel', 'Error (criu/vdso.c:401): vdso: Unexpected rt vDSO area bounds', /too old/],
  ['criu/too-old-for-kernel', "Error (criu/sockets.c:629): sockets: Can't get 1:16 opt: Operation not supported", /too old/],
  ['criu/nested-namespace', "Error (criu/namespaces.c:460): Can't dump nested ipc namespace for 4711", /4711 has a ipc namespace/],
  ['criu/io-uring', "Error (criu/files-ext.c:98): Can't dump file 9 of that type [600] (anon anon_inode:[io_uring])", /io_uring/],
  ['criu/unsupported-file', "Error (criu/files-ext.c:98): Can't dump file 7 of that type [20666] (chr 226:128)", /chr 226:128/],
  ['criu/file-outside-pod', "Error (criu/files-reg.c:1790): Can't lookup mount=24 for fd=10 path=/dev/null", /"\/dev\/null"/],
  ['criu/inotify-path-unknown', "Error (criu/fsnotify.c:284): fsnotify: \tCan't dump that handle", /watches/],
  ['criu/unaccepted-connection', 'Error (criu/sk-unix.c:506): unix: Non-empty write queue on an in-flight socket 0x1f', /accepted/],
  ['criu/too-few-rights', "Error (criu/cr-dump.c:388): Can't get rlimit 0: Operation not permitted", /limits/],
  ['criu/deleted-file-too-large', "Error (criu/files-reg.c:1031): Can't dump ghost file /tmp/a b of 300000000 size, increase limit", /"\/tmp\/a b".*287 MiB/],
  ['criu/session-leader-gone', "Error (criu/pstree.c:801): Can't find a session leader for 24", /session 24/],
  ['criu/process-from-outside', 'Error (criu/cr-dump.c:1528): A session leader of 17144(1) is outside of its pid namespace', /17144/],
  ['criu/pidfd-outside-pod', 'Error (criu/pidfd.c:97): pidfd: pidfd pid 12 is not a part of process tree..', /handle/],
  ['criu/connection-to-outside', "Error (criu/sk-unix.c:881): unix: Can't dump half of stream unix connection. name: (null); peer name: (null)", /other end/],
  ['criu/mount-not-restorable', 'Error (criu/mount.c:3141): mnt: No mapping for 128:/data mountpoint', /\(\/data\)/],
  ['criu/no-space', "Error (criu/image.c:845): Can't write img file: No space left on device", /space/],
  ['criu/images-closed', 'Error (criu/image.c:635): Unable to open tty-info.img: Permission denied', /tty-info/],
  ['criu/already-traced', 'Error (compel/src/lib/infect.c:261): Unseizable non-zombie 88 found, state S, err -1/88', /88/],
  ['criu/file-missing', "Error (criu/files-reg.c:2267): Can't open file usr/bin/sleep on restore: No such file or directory", /usr\/bin\/sleep/],
];

test.each(seen)('%s: %s', (code, line, sentence) => {
  const error = failed([noise, line, 'Error (criu/cr-dump.c:1975): Dumping FAILED.'].join('\n'));
  expect(error).toMatchObject({ code, exitCode: 7 });
  expect(error.message).toMatch(sentence);
  expect(error.evidence).toContain(line);
  expect(error.evidence).not.toContain(noise);
});

test('every cause has a sentence that ends', () => {
  for (const cause of causes) expect(cause.message(Object.assign(['x', 'y', '1'], { index: 0, input: '' }) as unknown as RegExpMatchArray)).toMatch(/[.]$/);
});

test('the unknown keeps its first line', () => {
  expect(failed(`${noise}\nError (criu/x.c:1): something new went wrong`)).toMatchObject({ code: 'criu/dump-failed', message: expect.stringContaining('something new went wrong.') });
  expect(failed('', 'restore')).toMatchObject({ code: 'criu/restore-failed', evidence: [] });
  expect(failed('', 'check')).toMatchObject({ code: 'criu/check-failed' });
});

test('what CRIU answers counts when it wrote no log, and what the loader says is kept', () => {
  const error = criuFailure({ operation: 'restore', log: '', message: "Error (criu/pstree.c:801): Can't find a session leader for 9\n", errno: 52, output: 'criu: error while loading\n' });
  expect(error).toMatchObject({ code: 'criu/session-leader-gone', data: { errno: 52 }, evidence: [expect.stringContaining('session leader'), 'criu: error while loading'] });
});

test('a passing trouble is marked as such', () => {
  expect(failed("Error (criu/fsnotify.c:284): \tCan't dump that handle").data).toMatchObject({ isTransient: true });
  expect(failed("Error (criu/namespaces.c:460): Can't dump nested pid namespace for 1").data).toMatchObject({ isTransient: false });
});

test('evidence is each error with the five lines before it, none twice', () => {
  const lines = [...Array.from({ length: 9 }, (_, index) => `(00.0${index}) line ${index}`), '(00.10) Error (criu/a.c:1): one', 'between', '(00.11) Error (criu/a.c:2): two', 'after'];
  expect(evidenceOf(lines)).toEqual(lines.slice(4, 12));
});
