/** What is moved: PODs with the programs that people have open. */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import type { BenchLab } from './bench-lab';
import { withDownloads } from './downloads';

export interface Scenario {
  name: string;
  environment: string;
  /** Starts in the new POD what it is about. */
  furnish(lab: BenchLab, pod: string): Promise<void>;
  /** What goes on around each move. */
  during?: <T>(lab: BenchLab, move: () => Promise<T>) => Promise<T>;
}

export const podNumber = 20;

const downloadBytes = 24 << 20;
const downloadCount = 20;
const appearTimeoutMs = 60_000;
let downloadSha256 = '';

export const scenarios: Scenario[] = [
  {
    name: 'desktop',
    environment: 'desktop',
    async furnish(lab, pod) {
      await open(lab, pod, ['mousepad', '/etc/services']);
      await open(lab, pod, ['xterm', '-geometry', '80x24+40+40', '-e', 'top', '-d', '1']);
      await open(lab, pod, ['xterm', '-geometry', '80x24+600+300']);
      await appear(lab, pod, ['mousepad', 'top']);
    },
  },
  {
    name: 'web',
    environment: 'web',
    async furnish(lab, pod) {
      const [sha256] = (await lab.exec(pod, ['sh', '-c', `head -c ${downloadBytes} /dev/urandom >/var/www/html/bench.bin && sha256sum </var/www/html/bench.bin`], { user: 'root' })).split(' ');
      downloadSha256 = sha256!;
    },
    during: (lab, move) => withDownloads(`http://${lab.subnet}.${podNumber}/bench.bin`, downloadCount, { sizeBytes: downloadBytes, sha256: downloadSha256 }, move),
  },
  {
    name: 'desktop-xfce',
    environment: 'desktop-xfce',
    async furnish(lab, pod) {
      await open(lab, pod, ['firefox-esr', 'about:license']);
      await appear(lab, pod, ['firefox-esr']);
      await delay(10_000); // a browser is long busy with its start
    },
  },
];

/** A login shell knows the POD's screen; what follows are arguments, which no shell reads. */
async function open(lab: BenchLab, pod: string, program: string[]): Promise<void> {
  await lab.exec(pod, ['bash', '-lc', 'exec "$@"', 'sh', ...program], { detach: true });
}

async function appear(lab: BenchLab, pod: string, programs: string[]): Promise<void> {
  const giveUpMs = Date.now() + appearTimeoutMs;
  for (;;) {
    const running = new Set((await lab.exec(pod, ['ps', '-eo', 'comm='])).split('\n').map((line) => line.trim()));
    const missing = programs.filter((program) => !running.has(program));
    if (missing.length === 0) return;
    if (Date.now() > giveUpMs) throw new ZapError('pod/silent', `${missing.join(' and ')} did not start in ${pod}.`);
    await delay(100);
  }
}
