import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { callsHavePassed } from './settle';

async function withPerl(program: string, use: (pid: number) => Promise<void>): Promise<void> {
  const child = spawn('perl', ['-e', `$| = 1; ${program}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await use(child.pid!);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

test.skipIf(process.getuid?.() !== 0)('threads that sleep or work have passed', async () => {
  await withPerl('print "x"; sleep 100', async (pid) => expect(await callsHavePassed([pid], 2000)).toBe(true));
  await withPerl('print "x"; 1 while 1', async (pid) => expect(await callsHavePassed([pid], 20_000)).toBe(true));
  await withPerl('print "x"; <STDIN>', async (pid) => expect(await callsHavePassed([pid], 2000)).toBe(true));
});

test.skipIf(process.getuid?.() !== 0)('one that waits for a file has not', async () => {
  // Of what waits in a read for as long as it is wanted to, this alone is neither pipe, socket nor terminal.
  await withPerl('open my $file, "<", "/proc/kmsg" or die; sysseek $file, 0, 2; print "x"; 1 while sysread $file, my $line, 8192', async (pid) => {
    expect(await callsHavePassed([pid], 500)).toBe(false);
  });
});

test('a process that has ended has passed', async () => {
  expect(await callsHavePassed([0x3fffff], 0)).toBe(true);
});
