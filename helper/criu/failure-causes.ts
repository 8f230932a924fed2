/**
 * CRIU's known complaints, in plain words.
 *
 * The first cause whose pattern is found on an error line decides, so the special stand before the general. Codes are stable; sentences may change.
 */
import type { ErrorCode } from '../protocol/errors';

export interface Cause {
  code: Extract<ErrorCode, `criu/${string}`>;
  pattern: RegExp;
  message: (match: RegExpMatchArray) => string;
  hint?: string;
  /** Passes by itself: the same request may succeed a moment later. */
  isTransient?: boolean;
}

export const causes: readonly Cause[] = [
  {
    code: 'criu/too-old-for-kernel',
    pattern: /Unexpected rt vDSO area bounds|Can't find rt vDSO|Can't get 1:(?:16|34) opt/,
    message: () => 'The CRIU of this host is too old for its kernel.',
    hint: 'Install CRIU 4.2 or newer. Kernels from 6.13 on need at least 4.1, from 6.16 on at least 4.2.',
  },
  {
    code: 'criu/nested-namespace',
    pattern: /Can't dump nested (\w+) namespace for (\d+)/,
    message: (match) => `Process ${match[2]} has a ${match[1]} namespace of its own inside the POD, which cannot be checkpointed.`,
    hint: 'Programs that sandbox themselves do this (browsers, container tools): close the program, or start it without its sandbox.',
  },
  {
    code: 'criu/nested-namespace',
    pattern: /Nested mount namespaces are not supported/,
    message: () => 'A process has a mount namespace of its own inside the POD, which cannot be checkpointed.',
    hint: 'Programs that sandbox themselves do this (browsers, container tools): close the program, or start it without its sandbox.',
  },
  {
    code: 'criu/io-uring',
    pattern: /anon_inode:\[io_uring\]/,
    message: () => 'A program uses io_uring, which cannot be checkpointed.',
    hint: 'Restart the program in a POD whose profile refuses io_uring, so that it falls back to epoll.',
  },
  {
    code: 'criu/unsupported-file',
    pattern: /Can't dump file (\d+) of that type \[\d+\] \(([^)]*)\)/,
    message: (match) => `A program has a file open that cannot be checkpointed (${match[2]!.trim()}).`,
    hint: 'Close the program that uses this device.',
  },
  {
    code: 'criu/unsupported-file',
    pattern: /Unknown shit \d+ \(([^)]*)\)/,
    message: (match) => `A program has a file open that cannot be checkpointed (${match[1]}).`,
    hint: 'Close the program that uses it.',
  },
  {
    code: 'criu/file-outside-pod',
    pattern: /Can't lookup mount=-?\d+ for fd=-?\d+ path=(\S*)/,
    message: (match) => `The file "${match[1]}" lies on no mount that the POD has.`,
    hint: 'A POSIX message queue, a file handed in from the host, or an environment that is itself an overlay: CRIU cannot name any of them.',
  },
  {
    code: 'criu/inotify-path-unknown',
    pattern: /Can't dump that handle|Can't find suitable path for handle/,
    message: () => 'A program watches a file whose path could not be found.',
    hint: 'It watches a file that was deleted, or one made a moment ago: try again, or close the program.',
    isTransient: true,
  },
  {
    code: 'criu/unaccepted-connection',
    pattern: /Non-empty write queue on an in-flight socket|Found a closed in-flight socket|In-flight connection on/,
    message: () => 'A connection between two programs of the POD has data but has not been accepted yet.',
    hint: 'This passes by itself: try again.',
    isTransient: true,
  },
  {
    code: 'criu/connection-to-outside',
    pattern: /Can't dump half of stream unix connection|External socket is used|name-less external socket/,
    message: () => 'A program has a unix connection whose other end is outside the POD.',
    hint: 'Detach viewers and terminals first; close what was started into the POD from outside.',
  },
  {
    code: 'criu/connected-tcp',
    pattern: /Connected TCP socket(?:,| in image)/,
    message: () => 'A TCP connection stood in the way.',
    hint: 'The checkpoint and the restore must both handle established connections.',
  },
  {
    code: 'criu/too-few-rights',
    pattern: /Can't get rlimit|rlimit: Can't get/,
    message: () => 'The helper may not read the resource limits of a process of another user.',
    hint: 'This host keeps CAP_SYS_RESOURCE from root. A POD with its own user namespace does not need it.',
  },
  {
    code: 'criu/deleted-file-too-large',
    pattern: /Can't dump ghost file (.*) of (\d+) size/,
    message: (match) => `The file "${match[1]}" was deleted but is still open, and too large to go along (${Math.ceil(Number(match[2]) / 2 ** 20)} MiB).`,
    hint: 'Close the program that holds it, or allow larger deleted files.',
  },
  {
    code: 'criu/session-leader-gone',
    pattern: /Can't find a session leader for (\d+)/,
    message: (match) => `The processes of session ${match[1]} have lost their leader and cannot be put back.`,
    hint: 'A daemon in the POD adopts orphans (PR_SET_CHILD_SUBREAPER): start the POD with the compatibility profile.',
  },
  {
    code: 'criu/process-from-outside',
    pattern: /A session leader of (?:zombie process )?(\d+)\(\d+\) is outside of its pid namespace/,
    message: (match) => `Process ${match[1]} was started into the POD from the host and belongs to a session there.`,
    hint: 'End the command that was started into the POD from outside.',
  },
  {
    code: 'criu/pidfd-outside-pod',
    pattern: /pidfd pid \d+ is not a part of process tree/,
    message: () => 'A program holds a handle on a process outside the POD.',
    hint: 'Close the program.',
  },
  {
    code: 'criu/already-traced',
    pattern: /Unseizable non-zombie (\d+) found/,
    message: (match) => `Process ${match[1]} is being traced by another program.`,
    hint: 'Detach the debugger (gdb, strace) from it.',
    isTransient: true,
  },
  {
    code: 'criu/freeze-timeout',
    pattern: /Timeout reached\. Try to interrupt|Unable to freeze cgroup/,
    message: () => 'The POD could not be frozen in time.',
    hint: 'A process waits in the kernel for a device or a network file system, or the POD starts processes too fast: try again.',
    isTransient: true,
  },
  {
    code: 'criu/locked-file-outside',
    pattern: /Unresolved lock found|Some file locks are hold by dumping tasks/,
    message: () => 'A file lock is shared with a process outside the POD.',
    hint: 'Close the program on either side.',
  },
  {
    code: 'criu/terminal-outside-pod',
    pattern: /Found dangling tty|ctty inheritance detected|Too many external terminals/,
    message: () => 'A program uses a terminal that does not belong to the POD.',
    hint: 'Run it in one of the POD’s own terminals.',
  },
  {
    code: 'criu/cpu-differs',
    pattern: /CPU (?:instruction )?capabilities do not match|CPU xsave (?:max )?size mismatch|xfeatures has unsupported bits/,
    message: () => 'The processor of this host lacks features that the POD’s programs use.',
    hint: 'Move the POD to a host with the same or a newer processor.',
  },
  {
    code: 'criu/userfaultfd-refused',
    pattern: /Unable to open an userfaultfd/,
    message: () => 'The kernel refuses post-copy memory inside a user namespace.',
    hint: 'It needs vm.unprivileged_userfaultfd=1 for the time of the move.',
  },
  {
    code: 'criu/images-closed',
    pattern: /Unable to open (\S+\.img): Permission denied/,
    message: (match) => `The POD’s processes may not read the checkpoint (${match[1]}).`,
    hint: 'Restored tasks open images with the POD’s ids: every directory that CRIU is given must be open to search for them.',
  },
  {
    code: 'criu/file-changed',
    pattern: /File (.*) has bad (?:size|mode|build-ID)/,
    message: (match) => `The file "${match[1]}" is not the same as when the POD was checkpointed.`,
    hint: 'Environment and layer must be exactly those of the checkpoint.',
  },
  {
    code: 'criu/file-missing',
    pattern: /Can't open file (.*?)(?: on restore)?: No such file or directory/,
    message: (match) => `The file "${match[1]}" of the POD is not there.`,
    hint: 'Environment and layer must be exactly those of the checkpoint.',
  },
  {
    code: 'criu/address-missing',
    pattern: /Can't bind inet socket/,
    message: () => 'The POD’s network address was not there when its connections were put back.',
    hint: 'The interface must be set up, with the address on it, before the tasks are made.',
  },
  {
    code: 'criu/no-space',
    pattern: /No space left on device/,
    message: () => 'There is no space left for the checkpoint.',
    hint: 'Free memory (or disk) on this host.',
  },
  {
    code: 'criu/out-of-memory',
    pattern: /Cannot allocate memory/,
    message: () => 'There is not enough memory.',
    hint: 'Free memory on this host, or raise the POD’s memory limit.',
  },
  {
    code: 'criu/mount-not-restorable',
    pattern: /No mapping for \d+:(\S+) mountpoint|Unable to mount (\S+)|Can't bind-mount|A few mount points can't be mounted|unsupported id/,
    message: (match) => `A mount of the POD cannot be put back${match[1] ?? match[2] ? ` (${match[1] ?? match[2]})` : ''}.`,
  },
  {
    code: 'criu/image-unreadable',
    pattern: /(?:Head magic|Magic) doesn't match|Unexpected EOF|Too old image|Not supported images version|Img trimmed/,
    message: () => 'The checkpoint is damaged or of another version.',
  },
];
