import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  withinMs?: number;
  everyMs?: number;
}

/** Asks again until the answer is neither false nor undefined; what is awaited is told when it does not come. */
export async function until<T>(what: string, ask: () => T | Promise<T>, { withinMs = 15_000, everyMs = 20 }: UntilOptions = {}): Promise<Exclude<T, undefined | false>> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (Date.now() > giveUpAt) throw new Error(`${what}: not within ${withinMs} ms`);
    await delay(everyMs);
  }
}
