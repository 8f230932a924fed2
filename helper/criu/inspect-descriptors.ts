/** Open files that CRIU refuses. */
import { statSync, statfsSync, type BigIntStats } from 'node:fs';
import type { Finding } from '../protocol/model';
import { kernelDevice, keyOf, parseWatches, watchOf } from './irmap-cache';
import { fdinfoOf, mountsOf, readLink, type Descriptor } from './process-tree';

/** What CRIU 4.2 dumps; anything else without a name on a file system stops it. */
const dumpableAnonymous = new Set(['[eventfd]', '[eventpoll]', 'inotify', '[fanotify]', '[signalfd]', '[timerfd]', '[pidfd]', 'bpf-map']);
/** null, zero, full, random, urandom; tty, console, ptmx; the tun device; pseudo-terminals are major 136–143. */
const dumpableDevices = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '10:200']);
const mqueueMagic = 0x19800202;
const largestDeletedBytes = 256 * 2 ** 20;

/** `known` are the pids of the tree; a handle on any other process cannot be dumped. */
export function descriptorFindings(initPid: number, descriptors: readonly Descriptor[], known: ReadonlySet<number>): Finding[] {
  const mountIds = new Set(mountsOf(initPid).map((mount) => mount.id));
  const findings: Finding[] = [];
  const deleted = new Map<string, Descriptor>();
  for (const descriptor of descriptors) {
    const finding = anonymous(descriptor, known) ?? named(descriptor, mountIds);
    if (finding) findings.push(finding);
    if (!descriptor.target.endsWith(' (deleted)')) continue;
    const stat = statOf(descriptor);
    if (!stat?.isFile() || stat.nlink !== 0n) continue;
    deleted.set(keyOf(watchOf(stat)), descriptor);
    const sizeBytes = Number(stat.blocks) * 512;
    if (sizeBytes > largestDeletedBytes && !descriptor.target.startsWith('/memfd:')) {
      findings.push(blocker('criu/deleted-file-too-large', descriptor, `holds a deleted file of ${Math.ceil(sizeBytes / 2 ** 20)} MiB open, too large to go along.`, 'Close the program.', { sizeBytes }));
    }
  }
  if (deleted.size > 0) findings.push(...watchesOnDeleted(descriptors, deleted));
  return oncePerProcess(findings);
}

function anonymous(descriptor: Descriptor, known: ReadonlySet<number>): Finding | undefined {
  const { target } = descriptor;
  if (target === 'anon_inode:[pidfd]' || target.startsWith('pidfd:')) {
    const pid = Number(/^Pid:\s+(-?\d+)/m.exec(fdinfoOf(descriptor))?.[1] ?? -1);
    if (pid <= 0 || known.has(pid) || isBeside(pid, descriptor.pid)) return undefined; // ended processes are dumped too
    return blocker('criu/pidfd-outside-pod', descriptor, 'holds a handle on a process outside the POD.', 'Close the program.', {});
  }
  if (!target.startsWith('anon_inode:')) return undefined;
  const kind = target.slice('anon_inode:'.length);
  if (dumpableAnonymous.has(kind)) return undefined;
  if (kind === '[io_uring]') {
    return blocker('criu/io-uring', descriptor, 'uses io_uring, which cannot be checkpointed.', 'Restart it in a POD whose profile refuses io_uring, so that it falls back to epoll.', {});
  }
  return blocker('criu/unsupported-file', descriptor, `has a kernel object open that cannot be checkpointed (${kind}).`, 'Close the program.', {});
}

/** Started since the tree was looked at, or ended since the handle was. */
function isBeside(pid: number, holder: number): boolean {
  const namespace = readLink(`/proc/${pid}/ns/pid`);
  return namespace === undefined || namespace === readLink(`/proc/${holder}/ns/pid`);
}

function named(descriptor: Descriptor, mountIds: ReadonlySet<number>): Finding | undefined {
  const { target } = descriptor;
  if (!target.startsWith('/') || target.startsWith('/memfd:') || target.startsWith('/SYSV')) return undefined;
  const fdinfo = fdinfoOf(descriptor);
  const mountId = Number(/^mnt_id:\s+(\d+)/m.exec(fdinfo)?.[1] ?? NaN);
  if (!target.includes('/', 1) && isMessageQueue(descriptor)) {
    return blocker('criu/message-queue', descriptor, `has the POSIX message queue "${target}" open, which cannot be checkpointed.`, 'Close the program.', {});
  }
  if (!Number.isNaN(mountId) && !mountIds.has(mountId)) {
    return blocker('criu/file-outside-pod', descriptor, `has the file "${target}" open, which was handed in from outside the POD.`, 'Close the program, or start it in one of the POD’s terminals.', {});
  }
  if (!target.startsWith('/dev/')) return undefined;
  const stat = statOf(descriptor);
  if (!stat?.isCharacterDevice() && !stat?.isBlockDevice()) return undefined;
  const device = kernelDevice(stat.rdev);
  const [major, minor] = [Math.floor(device / 2 ** 20), device % 2 ** 20];
  if ((major >= 136 && major <= 143) || dumpableDevices.has(`${major}:${minor}`)) return undefined;
  return blocker('criu/device', descriptor, `uses the device "${target}", whose state cannot be checkpointed.`, 'Close the program.', {});
}

function watchesOnDeleted(descriptors: readonly Descriptor[], deleted: ReadonlyMap<string, Descriptor>): Finding[] {
  return descriptors
    .filter((descriptor) => descriptor.target === 'anon_inode:inotify')
    .flatMap((descriptor) => {
      const file = parseWatches(fdinfoOf(descriptor)).map((watch) => deleted.get(keyOf(watch))).find((found) => found !== undefined);
      if (!file) return [];
      return [blocker('criu/inotify-path-unknown', descriptor, `watches the file "${file.target}", which has no name any more.`, 'Close the program.', { file: file.target })];
    });
}

function blocker(id: string, descriptor: Descriptor, what: string, hint: string, data: Record<string, unknown>): Finding {
  const { pid, fd, target } = descriptor;
  return { id, severity: 'blocker', message: `Process ${pid} ${what}`, hint, data: { pid, fd, target, ...data } };
}

/** A program that has forty such files open is one thing to close. */
function oncePerProcess(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const key = `${finding.id} ${String(finding.data?.['pid'])}`;
    return !seen.has(key) && seen.add(key);
  });
}

function isMessageQueue(descriptor: Descriptor): boolean {
  try {
    return statfsSync(linkOf(descriptor)).type === mqueueMagic;
  } catch {
    return false;
  }
}

function statOf(descriptor: Descriptor): BigIntStats | undefined {
  try {
    return statSync(linkOf(descriptor), { bigint: true });
  } catch {
    return undefined;
  }
}

function linkOf(descriptor: Descriptor): string {
  return `/proc/${descriptor.pid}/fd/${descriptor.fd}`;
}
