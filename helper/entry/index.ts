/**
 * `zap-helper serve`, and what such a one starts: `zap-helper watch-criu …`, `track-writes …`, `keep-filling …` and, by that, `fill …`.
 *
 * Each loads only what it needs: a POD's freeze waits for the others.
 */
import { writeSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import type { TrackerOrder } from '../checkpoint/write-tracker';
import { version } from '../protocol/version';

async function main(): Promise<void> {
  const [verb, ...words] = process.argv.slice(2);
  if (verb === '--version') return void process.stdout.write(`${version}\n`);
  if (verb === 'watch-criu') return watchCriu(words);
  if (verb === 'track-writes') return trackWrites(words);
  if (verb === 'keep-filling') return keepFilling(words);
  if (verb === 'fill') return fill(words);
  if (verb === 'serve') {
    const { serveConnection } = await import('./serve');
    return serveConnection();
  }
  process.stderr.write('usage: zap-helper serve | --version\n');
  process.exitCode = 2;
}

async function watchCriu([criuPid, podId, processor, note]: string[]): Promise<void> {
  const { keepWatch } = await import('../criu/warden');
  const { leaveNoCoreDump } = await import('../system/privileges');
  leaveNoCoreDump();
  process.on('SIGTERM', () => {});
  keepWatch({ criuPid: Number(criuPid), podId: podId!, processor: Number(processor), note: note! }, (word) => {
    try {
      writeSync(1, `${JSON.stringify(word)}\n`);
      return true;
    } catch {
      return false;
    }
  });
}

/** One order a line, one answer a line. */
async function trackWrites([init]: string[]): Promise<void> {
  const { WriteTracker } = await import('../checkpoint/write-tracker');
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  const tracker = new WriteTracker(Number(init));
  let rest = '';
  for await (const chunk of process.stdin) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop()!;
    for (const line of lines) process.stdout.write(`${JSON.stringify(tracker.obey(JSON.parse(line) as TrackerOrder))}\n`);
  }
  process.exit(0);
}

async function keepFilling([podId, workDirectory, images, holder]: string[]): Promise<void> {
  const { keepPager } = await import('../criu/pager-keeper');
  keepPager({ podId: podId!, workDirectory: workDirectory!, images: images!, holder: holder === undefined ? undefined : Number(holder) });
  process.exit(0); // libuv would wait for pagers that it has not seen end
}

async function fill([podId, workDirectory, images, taken]: string[]): Promise<void> {
  const { fillMemory } = await import('../criu/pager');
  fillMemory({ podId: podId!, workDirectory: workDirectory!, images: images! }, taken === '' ? [] : taken!.split(',').map(Number));
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(`zap-helper: ${ZapError.from(error).message}\n`);
  process.exit(1);
});
