/** Talks to the witness in a POD (environment/files/usr/lib/suite/witness.py), from outside the hosts. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { until } from './until';

const port = 7000;
export const witnessCommand = ['python3', '/usr/lib/suite/witness.py'];

export interface WitnessState {
  /** Made once, in memory: two answers with the same token come from the same life. */
  token: string;
  /** Grows by about 200 a second. */
  ticks: number;
  hostname: string;
  machineId: string;
  hostnameFile: string;
  mac: string | null;
  uid: number;
}

async function request(address: string, line: string, timeoutMs = 3000): Promise<string> {
  const socket = connect({ host: address, port, timeout: timeoutMs });
  socket.once('timeout', () => socket.destroy(new Error(`${address} does not answer`)));
  try {
    await once(socket, 'connect');
    socket.write(`${line}\n`);
    let text = '';
    for await (const chunk of socket) text += (chunk as Buffer).toString();
    return text;
  } finally {
    socket.destroy();
  }
}

/** Waits for the witness to answer: a POD that was just made is still starting it, one that moved may have its address announced again. */
export async function stateOf(address: string, withinMs = 15_000): Promise<WitnessState> {
  return until(`the witness at ${address}`, async () => {
    const text = await request(address, 'state').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as WitnessState);
  }, { withinMs });
}

/** Whether a witness answers at this address right now; other programs may. */
export async function isAnswering(address: string): Promise<boolean> {
  return (await request(address, 'state', 700).catch(() => '')).includes('"token"');
}

export async function ask(address: string, ...words: string[]): Promise<string> {
  return request(address, words.join(' '), 20_000);
}

/** The same life, and it goes on. */
export async function requireAlive(address: string, before: WitnessState): Promise<WitnessState> {
  const now = await stateOf(address);
  if (now.token !== before.token || now.ticks < before.ticks) throw new Error(`another life answers at ${address}: ${JSON.stringify({ before, now })}`);
  await until(`a tick at ${address}`, async () => (await stateOf(address)).ticks > now.ticks);
  return now;
}

/** A connection that is told back what it says. */
export class Echo implements Disposable {
  private constructor(readonly socket: Socket) {}

  static async open(address: string): Promise<Echo> {
    const socket = connect({ host: address, port, noDelay: true });
    await once(socket, 'connect');
    socket.write('echo\n');
    const echo = new Echo(socket);
    await echo.say('hello');
    return echo;
  }

  async say(text: string): Promise<void> {
    const line = `${text}\n`;
    this.socket.write(line);
    let heard = '';
    while (heard.length < line.length) {
      const [chunk] = (await once(this.socket, 'data', { signal: AbortSignal.timeout(15_000) })) as [Buffer];
      heard += chunk.toString();
    }
    if (heard !== line) throw new Error(`said ${JSON.stringify(line)}, heard ${JSON.stringify(heard)}`);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A download that checks every byte as it comes. */
export class Download implements Disposable {
  received = 0;
  readonly ended: Promise<void>;

  private constructor(private readonly socket: Socket, sizeBytes: number) {
    let rest = Buffer.alloc(0);
    this.ended = new Promise((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        const all = Buffer.concat([rest, chunk]);
        const whole = all.length - (all.length % 8);
        for (let at = 0; at < whole; at += 8) {
          const line = `${String(((this.received - rest.length + at) / 8) % 10_000_000).padStart(7, '0')}\n`;
          if (all.toString('latin1', at, at + 8) !== line) return socket.destroy(new Error(`byte ${this.received + at}: ${all.toString('latin1', at, at + 8)} instead of ${line}`));
        }
        rest = all.subarray(whole);
        this.received += chunk.length;
      });
      socket.once('end', () => (this.received === sizeBytes ? resolve() : reject(new Error(`the download ended after ${this.received} of ${sizeBytes} bytes`))));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the download was closed')));
    });
    this.ended.catch(() => {}); // told to whoever awaits it
  }

  static async start(address: string, sizeBytes: number, bytesPerSecond: number): Promise<Download> {
    const socket = connect({ host: address, port });
    await once(socket, 'connect');
    socket.write(`stream ${sizeBytes} ${bytesPerSecond}\n`);
    return new Download(socket, sizeBytes);
  }

  /** More of it comes. */
  async goesOn(): Promise<void> {
    const { received } = this;
    await Promise.race([this.ended, until('more of the download', () => this.received > received)]);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
