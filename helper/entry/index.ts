/**
 * `zap-helper serve`, and `zap-helper watch-criu …`, which such a one starts.
 *
 * Each loads only what it needs: a POD's freeze waits for the second.
 */
import { writeSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { version } from '../protocol/version';

async function main(): Promise<void> {
  const [verb, ...words] = process.argv.slice(2);
  if (verb === '--version') return void process.stdout.write(`${version}\n`);
  if (verb === 'watch-criu') return watchCriu(words);
  if (verb === 'serve') {
    const { serveConnection } = await import('./serve');
    return serveConnection();
  }
  process.stderr.write('usage: zap-helper serve | --version\n');
  process.exitCode = 2;
}

async function watchCriu([criuPid, podId, processor, note]: string[]): Promise<void> {
  const { keepWatch } = await import('../criu/warden');
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

main().catch((error: unknown) => {
  process.stderr.write(`zap-helper: ${ZapError.from(error).message}\n`);
  process.exit(1);
});
