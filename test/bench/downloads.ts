/** Downloads that go on slowly while a POD moves, and are compared byte for byte when they are done. */
import { createHash } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** One read takes what the stream has gathered, 64 KiB at most: about 1 MB a second for each. */
const readIntervalMs = 64;
const finishTimeoutMs = 60_000;

class Download {
  /** The first bytes are here. */
  readonly started: Promise<void>;
  readonly done: Promise<void>;
  receivedBytes = 0;
  digest = '';
  private readonly hash = createHash('sha256');
  private readonly timer: NodeJS.Timeout;
  private start!: () => void;

  constructor(private readonly response: IncomingMessage) {
    this.done = new Promise((resolve, reject) => {
      response.once('end', () => {
        this.digest = this.hash.digest('hex');
        resolve();
      });
      response.once('error', reject);
      response.once('close', () => reject(new Error(`the connection ended after ${this.receivedBytes} bytes`)));
    });
    this.started = Promise.race([new Promise<void>((resolve) => (this.start = resolve)), this.done]);
    for (const promise of [this.started, this.done]) promise.catch(() => {}); // told by whoever awaits it
    this.timer = setInterval(() => this.take(response.read() as Buffer | null), readIntervalMs);
  }

  /** As fast as it goes. */
  release(): void {
    clearInterval(this.timer);
    this.response.on('data', (chunk: Buffer) => this.take(chunk));
  }

  stop(): void {
    clearInterval(this.timer);
    this.response.destroy();
  }

  private take(chunk: Buffer | null): void {
    if (!chunk) return;
    this.start();
    this.receivedBytes += chunk.length;
    this.hash.update(chunk);
  }
}

export interface Expected {
  sizeBytes: number;
  sha256: string;
}

/** Runs `during` with downloads of `url` going on from beginning to end of it; throws unless each of them arrives whole and unchanged. */
export async function withDownloads<T>(url: string, count: number, expected: Expected, during: () => Promise<T>): Promise<T> {
  const downloads: Download[] = [];
  try {
    for (const response of await Promise.all(Array.from({ length: count }, () => request(url)))) downloads.push(new Download(response));
    await Promise.all(downloads.map(({ started }) => started));
    const result = await during();
    const early = downloads.filter(({ digest }) => digest !== '').length;
    if (early > 0) throw new Error(`${early} of ${count} downloads were over before the move was.`);
    for (const download of downloads) download.release();
    await Promise.race([Promise.all(downloads.map(({ done }) => done)), timeout()]);
    const wrong = downloads.filter(({ receivedBytes, digest }) => receivedBytes !== expected.sizeBytes || digest !== expected.sha256).length;
    if (wrong > 0) throw new Error(`${wrong} of ${count} downloads are not what was sent.`);
    return result;
  } finally {
    for (const download of downloads) download.stop();
  }
}

function request(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent: false }, (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.destroy();
      reject(new Error(`${url} answers with status ${response.statusCode}.`));
    });
    sent.once('error', reject);
  });
}

async function timeout(): Promise<never> {
  await delay(finishTimeoutMs, undefined, { ref: false });
  throw new Error(`The downloads did not end within ${finishTimeoutMs / 1000} s of the move.`);
}
