/** What is moved: the programs that people have open, in a POD or in what another tool calls its container. */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { withDownloads } from './downloads';
import { fillRedis, redisCommand, withRedisBenchmark, withWholeRedis } from './redis';

export interface ExecOptions {
  user?: string;
  detach?: boolean;
}

/** Where programs are started. */
export interface Place {
  /** IPv4 address on the lab's network. */
  address: string;
  /** Standard output of a command; a detached one is left running. */
  exec(command: string[], options?: ExecOptions): Promise<string>;
}

export interface Scenario {
  name: string;
  environment: string;
  /** What the start script is to run, instead of the environment's session. */
  command?: string[];
  /** Starts in the new place what it is about. */
  furnish(place: Place): Promise<void>;
  /** No more moves than these: each takes long. */
  runs?: number;
  /** It is to run before all of its memory is in place (`--memory-follows`), which other tools cannot. */
  mayMemoryFollow?: boolean;
  /** What goes on around each move. */
  during?: <T>(place: Place, move: () => Promise<T>) => Promise<T>;
}

const downloadBytes = 24 << 20;
const downloadCount = 20;
const appearTimeoutMs = 60_000;
/** A browser is long busy with its start. */
const browserSettleMs = 10_000;
const downloadFile = '/var/www/html/bench.bin';

const asPrograms: Scenario[] = [
  {
    name: 'desktop',
    environment: 'desktop',
    async furnish(place) {
      await open(place, ['mousepad', '/etc/services']);
      await open(place, ['xterm', '-geometry', '80x24+40+40', '-e', 'top', '-d', '1']);
      await open(place, ['xterm', '-geometry', '80x24+600+300']);
      await appear(place, ['mousepad', 'top']);
    },
  },
  {
    name: 'web',
    environment: 'web',
    async furnish(place) {
      await place.exec(['sh', '-c', `head -c ${downloadBytes} /dev/urandom >${downloadFile}`], { user: 'root' });
    },
    async during(place, move) {
      const sha256 = (await place.exec(['sha256sum', downloadFile])).split(' ')[0]!;
      return withDownloads(`http://${place.address}/bench.bin`, downloadCount, { sizeBytes: downloadBytes, sha256 }, move);
    },
  },
  {
    name: 'desktop-xfce',
    environment: 'desktop-xfce',
    async furnish(place) {
      await open(place, ['firefox-esr', 'about:license']);
      await appear(place, ['firefox-esr']);
      await delay(browserSettleMs);
    },
  },
  { name: 'redis-idle', environment: 'bench', command: redisCommand, furnish: (place) => fillRedis(place), during: withWholeRedis },
  { name: 'redis-idle-4g', environment: 'bench', command: redisCommand, furnish: (place) => fillRedis(place, 4), during: withWholeRedis, runs: 2 },
  { name: 'redis', environment: 'bench', command: redisCommand, furnish: (place) => fillRedis(place), during: (place, move) => withRedisBenchmark(place.address, move) },
  {
    name: 'busy',
    environment: 'shell',
    async furnish(place) {
      await place.exec(['perl', '-e', busyProgram], { detach: true });
    },
  },
];

/** The large ones both ways. */
export const scenarios: Scenario[] = asPrograms.flatMap((scenario) => (scenario.name.startsWith('redis') ? [scenario, { ...scenario, name: `${scenario.name}-follows`, mayMemoryFollow: true }] : [scenario]));

/** Changes 50 MB of its 200 MB each second, a page at a time. */
const busyProgram = String.raw`
my ($size, $page, $at, $round) = (200 << 20, 4096, 0, 0);
my $memory = 'x' x $size;
while (1) {
  for (1 .. 128) { substr($memory, $at, 8) = pack 'Q', $round++; $at = ($at + $page) % $size }
  select undef, undef, undef, .01;
}
`;

/** A login shell knows the POD's screen; what follows are arguments, which no shell reads. */
async function open(place: Place, program: string[]): Promise<void> {
  await place.exec(['bash', '-lc', 'exec "$@"', 'sh', ...program], { detach: true });
}

export async function appear(place: Place, programs: string[]): Promise<void> {
  const giveUpMs = Date.now() + appearTimeoutMs;
  for (;;) {
    const running = new Set((await place.exec(['ps', '-eo', 'comm='])).split('\n').map((line) => line.trim()));
    const missing = programs.filter((program) => !running.has(program));
    if (missing.length === 0) return;
    if (Date.now() > giveUpMs) throw new ZapError('pod/silent', `${missing.join(' and ')} did not start.`);
    await delay(100);
  }
}
