/**
 * How a target learns whether a restored POD may run.
 *
 * Only the source knows, and it may be out of reach for a while: the target waits, with everything stopped, for its word over this channel, over a new
 * one that the source opens, for a desktop that carries it, or for a person's decision. It never guesses.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import type { Channel } from './channel';
import type { Verdict } from './commit';
import { takeWord } from './journal';
import { FirstMessage, VerdictMessage } from './messages';

const wordPollMs = 250;

export interface VerdictOptions {
  transfer: string;
  /** Channels that the source opens when the first was lost. */
  nextChannel: (signal: AbortSignal) => Promise<Channel>;
  /** Its original never leaves: a copy of which nobody speaks any more goes. */
  isClone: boolean;
  /** Told when the source's word is overdue. */
  onDoubt: () => void;
}

export interface Word {
  /** `heard`: nothing more is asked. */
  verdict: Verdict | 'heard';
  /** Where it came from, and the answer goes. */
  over: Channel | undefined;
}

export async function awaitVerdict(first: Channel | undefined, options: VerdictOptions): Promise<Word> {
  const ended = new AbortController();
  try {
    return await Promise.race([
      ...(first ? [fromFirst(first, options, ended.signal)] : []),
      fromSource(options.nextChannel, ended.signal),
      leftFor(options.transfer, 'target', ended.signal).then((word) => ({ verdict: word as Word['verdict'], over: first })),
    ]);
  } finally {
    ended.abort();
  }
}

async function fromFirst(first: Channel, { isClone, onDoubt }: VerdictOptions, signal: AbortSignal): Promise<Word> {
  try {
    const { verdict } = await first.receive(VerdictMessage, signal);
    return { verdict, over: first };
  } catch (error) {
    if (signal.aborted) throw error;
    if (isClone || !(error instanceof ZapError) || error.code !== 'move/channel-lost') return { verdict: 'abort', over: first }; // it says that it failed
    onDoubt();
    return untilAborted(signal);
  }
}

async function fromSource(nextChannel: VerdictOptions['nextChannel'], signal: AbortSignal): Promise<Word> {
  for (;;) {
    const over = await nextChannel(signal);
    try {
      const message = await over.receive(FirstMessage, signal);
      if (message.type === 'verdict' && !signal.aborted) return { verdict: message.verdict, over };
    } catch {
      // cut off, or not the source's word
    }
    over.destroy(); // also when the word has come by another way: whoever is left on a channel waits for an answer as long as it is open
    signal.throwIfAborted();
  }
}

/** What a person, or a desktop, has left for this side of the transfer. */
export async function leftFor(transfer: string, role: 'source' | 'target', signal: AbortSignal): Promise<string> {
  for (;;) {
    const word = takeWord(transfer, role);
    if (word !== undefined) return word;
    await sleep(wordPollMs, undefined, { signal });
  }
}

/** For a channel that cannot be opened again. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}
