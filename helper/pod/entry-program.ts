/**
 * The program that stands between the host and a program run in a POD from outside.
 *
 * It starts inside all of the POD's namespaces, with every capability there is in the POD's user namespace: nsenter cannot help that. It takes the POD's
 * own system call filters, drops what the POD's own programs do not have, becomes the user, and then the program. Nothing of the POD's files runs before.
 */
import { readFileSync } from 'node:fs';
import { callListProgram, type SystemCall } from '../system/call-list';
import type { Account } from './accounts';
import { podCapabilities } from './sandbox';

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const PR_CAPBSET_DROP = 24;
const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const notFoundStatus = 127;

/** capabilities(7), by number. */
const capabilityNames = 'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP'.split(' ');

export function droppedCapabilities(lastCapability: number): number[] {
  const kept = new Set(podCapabilities.map((name) => capabilityNames.indexOf(name.slice('CAP_'.length))));
  return Array.from({ length: lastCapability + 1 }, (_, number) => number).filter((number) => !kept.has(number));
}

export interface EntryOptions {
  account: Account;
  command: readonly string[];
  environment: readonly string[];
  filters: readonly Buffer[];
  /** The descriptor that the program itself is open at. */
  descriptor: number;
}

export function entryProgram({ account, command, environment, filters, descriptor }: EntryOptions): Buffer {
  const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const [program] = command as [string, ...string[]];
  const candidates = program.includes('/') ? [program] : searchPath.map((directory) => `${directory}/${program}`);
  const groups = Buffer.alloc(account.groups.length * 4);
  account.groups.forEach((gid, index) => groups.writeUInt32LE(gid, index * 4));
  const message = Buffer.from(`zap: ${JSON.stringify(program.slice(0, 200))} cannot be run in this POD\n`);
  return callListProgram(
    [
      { name: 'close', arguments: [descriptor] },
      { name: 'umask', arguments: [0o22] },
      ...filters.map(setFilter),
      ...droppedCapabilities(lastCapability).map((number): SystemCall => ({ name: 'prctl', arguments: [PR_CAPBSET_DROP, number, 0, 0, 0] })),
      { name: 'setgroups', arguments: [account.groups.length, groups] },
      { name: 'setresgid', arguments: [account.gid, account.gid, account.gid] },
      { name: 'setresuid', arguments: [account.uid, account.uid, account.uid] },
      ...candidates.map((path): SystemCall => ({ name: 'execve', arguments: [Buffer.from(`${path}\0`), command, environment], mayFail: true })),
      { name: 'write', arguments: [2, message, message.length], mayFail: true },
      { name: 'exit_group', arguments: [notFoundStatus] },
    ],
    'zap: the POD could not be entered\n',
  );
}

/** `struct sock_fprog`: how many instructions, and where. */
function setFilter(filter: Buffer): SystemCall {
  const header = Buffer.alloc(16);
  header.writeUInt16LE(filter.length / 8, 0);
  return { name: 'prctl', arguments: [PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { bytes: header, pointerAt: 8, target: filter }, 0, 0] };
}
