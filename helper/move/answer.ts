/**
 * How a source hears what became of its word.
 *
 * It says its word over the channel it has, then over new ones, for as long as it takes; a desktop that reaches both hosts may bring the answer sooner.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { ZapError } from '../protocol/errors';
import type { Channel } from './channel';
import type { Answer, SourceEvent, Verdict } from './commit';
import { AnswerMessage, type RunningNow } from './messages';
import { leftFor } from './verdict';

/** About ten minutes. */
export const confirmAttempts = 120;
/** A target that has undone its part does not listen any more; one whose helper was killed listens again with the next. About a second and a half. */
const givenUpAttempts = 4;
const firstPauseMs = 100;
const longestPauseMs = 5000;
/** From then on it is said that nobody here knows. */
const doubtAfterAttempts = 4;

export interface Heard {
  /** `answered`, by the target; `decided`, by a person. */
  event: Extract<SourceEvent, { kind: 'answered' | 'decided' }>;
  /** The channel that the answer came over. */
  over: Channel | undefined;
  /** What a target tells of a POD that runs. */
  arrived?: z.infer<typeof RunningNow> | undefined;
}

export interface AskOptions {
  transfer: string;
  /** A channel over which the word was said already. */
  first: Channel | undefined;
  reconnect: () => Promise<Channel>;
  attempts: number;
  onDoubt?: () => void;
  /** Of whoever does not want to wait any longer. */
  signal?: AbortSignal;
}

export async function untilAnswered(verdict: Verdict, options: AskOptions): Promise<Heard> {
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([ended.signal, options.signal]) : ended.signal;
  try {
    return await Promise.race([ask(verdict, options, signal), leftFor(options.transfer, 'source', signal).then((word) => ({ event: wordEvent(word), over: options.first?.isOpen ? options.first : undefined }))]);
  } finally {
    ended.abort();
  }
}

/**
 * Says that the POD stays here. A target that does not hear it is told by whoever asks: of a POD that is here and not promised to anybody, a source needs no
 * journal to say so.
 */
export async function giveUpSaying(options: Omit<AskOptions, 'attempts'>): Promise<Heard> {
  return untilAnswered('abort', { ...options, attempts: givenUpAttempts }).catch((error: unknown) => {
    if (isRefused(error)) return { event: answered('gone'), over: undefined };
    throw error; // a host that is out of reach is told when it is back
  });
}

/** The host is there, and nobody on it waits for this transfer. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof ZapError ? error.cause : undefined;
  return (error instanceof ZapError && error.code === 'move/channel-lost' && cause === undefined) || (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}

function answered(answer: Answer): Heard['event'] {
  return { kind: 'answered', answer };
}

/** What was left for the source: the target's answer, carried by a desktop, or a person's decision. */
export function wordEvent(word: string): Heard['event'] {
  return word === 'run-here' || word === 'discard-here' ? { kind: 'decided', runHere: word === 'run-here' } : answered(word as Answer);
}

async function ask(verdict: Verdict, { first, reconnect, attempts, onDoubt }: AskOptions, signal: AbortSignal): Promise<Heard> {
  let channel = first;
  for (let attempt = 0; ; attempt++) {
    try {
      if (!channel?.isOpen) {
        channel = await reconnect();
        await channel.send({ type: 'verdict', verdict });
      }
      const said = await channel.receive(AnswerMessage, signal);
      return said.type === 'running' ? { event: answered('running'), over: channel, arrived: said } : { event: answered(said.answer), over: channel };
    } catch (error) {
      signal.throwIfAborted();
      if (verdict === 'abort' && channel?.isOpen && error instanceof ZapError) return { event: answered('gone'), over: channel }; // it failed by itself
      channel?.destroy();
      channel = undefined;
      if (attempt >= attempts) throw error;
      if (attempt === doubtAfterAttempts) onDoubt?.();
      await sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempt, 6)), undefined, { signal });
    }
  }
}

export function unconfirmed(name: string, cause?: unknown): ZapError {
  return new ZapError('move/unconfirmed', `POD "${name}" was handed over, but the other host does not say that it runs there.`, {
    hint: `What was handed over is kept. When the other host is back: zap pod list; if the POD is lost there: zap pod recover ${name}`,
    cause,
  });
}
