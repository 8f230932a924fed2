/**
 * A look into a namespace of another process.
 *
 * It is entered by this thread alone, for the time of one synchronous function: nothing else of the helper ever sees it.
 */
import { closeSync, openSync } from 'node:fs';
import { checked, libc } from './native';

const setns = libc<[number, number]>('int setns(int fd, int type)');
const types = { net: 0x40000000, ipc: 0x08000000 } as const;

/** Runs `use`, which must not wait for anything, in the namespace of that kind of a process. */
export function inNamespace<T>(pid: number, kind: keyof typeof types, use: () => T): T {
  const home = openSync(`/proc/thread-self/ns/${kind}`, 'r');
  let away = -1;
  try {
    away = openSync(`/proc/${pid}/ns/${kind}`, 'r');
    checked(setns(away, types[kind]), 'setns', `/proc/${pid}/ns/${kind}`);
    try {
      return use();
    } finally {
      checked(setns(home, types[kind]), 'setns', 'home');
    }
  } finally {
    if (away >= 0) closeSync(away);
    closeSync(home);
  }
}
