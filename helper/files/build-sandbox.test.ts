import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { runApart } from './build-sandbox';

/** Pids of processes of this machine whose command line has the mark in it. */
const marked = (mark: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(mark);
    } catch {
      return false;
    }
  });

it('sees no process and leaves no mount of the host', async () => {
  const lines: string[] = [];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  await runApart(['/bin/sh', '-ec', 'echo pid $$; mount -t tmpfs tmpfs /mnt; ls /proc | grep -c "^[0-9]"'], { onLine: (line) => lines.push(line) });
  expect(lines[0]).toBe('pid 1');
  expect(Number(lines[1])).toBeLessThan(6);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mounts);
});

it('tells why it failed', async () => {
  await expect(runApart(['/bin/sh', '-c', 'echo working; echo no space >&2; exit 3'], { onLine: () => {} })).rejects.toMatchObject({
    code: 'environment/build-failed',
    evidence: expect.arrayContaining(['working', 'no space']) as unknown,
  });
});

it('ends with everything in it when called off', async () => {
  const mark = `4${process.pid}.25`;
  const abort = new AbortController();
  const running = runApart(['/bin/sh', '-c', `sleep ${mark} & sleep ${mark} & wait`], { signal: abort.signal, onLine: () => {} });
  for (let tries = 0; marked(mark).length < 2 && tries < 500; tries++) await sleep(10);
  expect(marked(mark)).toHaveLength(2);
  abort.abort();
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  for (let tries = 0; marked(mark).length > 0 && tries < 100; tries++) await sleep(10);
  expect(marked(mark)).toEqual([]);
});
