/**
 * Root with less: what the helper and everything that it starts can never need is given up at its start.
 *
 * The bounding set is inherited: whatever of it is gone here, no program started from here can get again. (Within a POD's user namespace the kernel counts
 * anew: there the POD's own configuration decides.)
 */
import { readFileSync } from 'node:fs';
import { checked, libc } from './native';

const prctl = libc<[number, number, number, number, number]>('int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)');
const capget = libc<[Buffer, Buffer]>('int capget(_Inout_ uint8_t *header, _Out_ uint8_t *data)');
const capset = libc<[Buffer, Buffer]>('int capset(_Inout_ uint8_t *header, _Inout_ uint8_t *data)');

const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_DROP = 24;
const VERSION_3 = 0x20080522;

/** capabilities(7). What is not here is needed: by CRIU for processes of any kind (it sets their login user id, which takes AUDIT_CONTROL), by overlays and links, by files of any owner. */
export const unneededCapabilities: Readonly<Record<string, number>> = {
  LINUX_IMMUTABLE: 9, SYS_MODULE: 16, SYS_RAWIO: 17, SYS_PACCT: 20, SYS_BOOT: 22, SYS_TIME: 25, SYS_TTY_CONFIG: 26, MAC_OVERRIDE: 32, MAC_ADMIN: 33, SYSLOG: 34, WAKE_ALARM: 35, BLOCK_SUSPEND: 36, AUDIT_READ: 37,
};

/** To be called before anything else is done: threads that exist already keep what they have. */
export function dropPrivileges(): void {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const dropped = Object.values(unneededCapabilities).filter((capability) => capability <= last);
  for (const capability of dropped) checked(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), 'prctl(PR_CAPBSET_DROP)');
  const header = Buffer.alloc(8);
  header.writeUInt32LE(VERSION_3, 0);
  const sets = Buffer.alloc(24); // effective, permitted, inheritable: the low 32 of each, then the high
  checked(capget(header, sets), 'capget');
  for (const capability of dropped) {
    for (let set = 0; set < 3; set++) {
      const at = (capability >> 5) * 12 + set * 4;
      sets.writeUInt32LE((sets.readUInt32LE(at) & ~(1 << (capability & 31))) >>> 0, at);
    }
  }
  checked(capset(header, sets), 'capset');
  leaveNoCoreDump();
}

/** Of what passes through this process. */
export function leaveNoCoreDump(): void {
  checked(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 'prctl(PR_SET_DUMPABLE)');
}
