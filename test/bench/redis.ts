/** An in-memory database with 1 GB of data, and the load that its own benchmark makes. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../../helper/system/spawn';
import type { Place } from './scenarios';

const environments = '/var/lib/zap/environments';
const keysPerGigabyte = 900_000;
const valueBytes = 1000;
const connections = 20;
const settleMs = 1000;

export const redisCommand = ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--enable-debug-command', 'yes'];

/** Fills it with about so many gigabytes. */
export async function fillRedis(place: Place, gigabytes = 1): Promise<void> {
  await place.exec(['sh', '-c', 'n=0; until redis-cli ping >/dev/null 2>&1 || [ $n = 100 ]; do n=$((n+1)); sleep .1; done']);
  const answer = await place.exec(['redis-cli', 'debug', 'populate', String(gigabytes * keysPerGigabyte), 'key', String(valueBytes)]);
  if (!answer.startsWith('OK')) throw new Error(`redis was not filled: ${answer}`);
}

/** Runs `during` and reads all of the data before and after it: none of it may have changed, and no page may be missing. */
export async function withWholeRedis<T>(place: Place, during: () => Promise<T>): Promise<T> {
  const digest = (): Promise<string> => place.exec(['redis-cli', 'debug', 'digest']);
  const before = await digest();
  const result = await during();
  if ((await digest()) !== before) throw new Error('What redis holds is not what it held before.');
  return result;
}

/** Runs `during` under the load of redis-benchmark, which gives up at the first answer that is missing or wrong. */
export async function withRedisBenchmark<T>(address: string, during: () => Promise<T>): Promise<T> {
  const names = JSON.parse(await readFile(`${environments}/names.json`, 'utf8')) as Record<string, string>;
  const tree = `${environments}/${names['bench']!.replace('sha256:', '')}/tree`;
  // The environment's own program, on this machine's network.
  const load = start('chroot', [tree, 'redis-benchmark', '-h', address, '-c', String(connections), '-n', '1000000000', '-t', 'get,set', '-r', String(keysPerGigabyte), '-q'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const complaints: Buffer[] = [];
  load.stderr!.on('data', (chunk: Buffer) => complaints.push(chunk));
  const ended = once(load, 'close');
  try {
    await delay(settleMs);
    const result = await during();
    await delay(settleMs);
    if (load.exitCode !== null || load.signalCode !== null) throw new Error(`redis-benchmark gave up: ${Buffer.concat(complaints).toString().trim().slice(-300)}`);
    return result;
  } finally {
    load.kill('SIGKILL');
    await ended;
  }
}
