/**
 * How a target learns whether a restored POD may run.
 *
 * Only the source knows, and it may be out of reach for a while: the target waits, with everything stopped, for its word over this channel, over a new
 * one, or for a person's decision. It never guesses.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { podPaths } from '../pod/record';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import type { Channel } from './channel';
import { Commit, FirstMessage, type Verdict } from './messages';

const decisionPollMs = 250;

export interface VerdictOptions {
  podId: string;
  /** Channels that the source opens when the first was lost. */
  nextChannel: (signal: AbortSignal) => Promise<Channel>;
  /** Told when the source's word is overdue. */
  onDoubt: () => void;
}

/** Waits for the source's word; resolves with the channel over which it came, rejects if the transfer was given up. */
export async function awaitCommit(channel: Channel | undefined, options: VerdictOptions): Promise<Channel | undefined> {
  if (channel) {
    try {
      await channel.receive(Commit);
      return channel;
    } catch (error) {
      if (!(error instanceof ZapError) || error.code !== 'move/channel-lost') throw error;
    }
  }
  options.onDoubt();
  const ended = new AbortController();
  try {
    const { verdict, over } = await Promise.race([fromSource(options.nextChannel, ended.signal), fromPerson(options.podId, ended.signal)]);
    if (verdict === 'abort') throw new ZapError('move/given-up', 'The source gave the move up; the POD runs on there.');
    return over;
  } finally {
    ended.abort();
  }
}

interface Word {
  verdict: Verdict;
  over: Channel | undefined;
}

async function fromSource(nextChannel: VerdictOptions['nextChannel'], signal: AbortSignal): Promise<Word> {
  for (;;) {
    const over = await nextChannel(signal);
    try {
      const message = await over.receive(FirstMessage, signal);
      if (message.type === 'verdict') return { verdict: message.verdict, over };
    } catch (error) {
      if (signal.aborted) throw error;
    }
    over.destroy();
  }
}

function decisionPath(podId: string): string {
  return join(podPaths(podId).directory, 'decision');
}

/** Leaves a person's decision for whoever holds the POD. */
export function decide(podId: string, verdict: Verdict): void {
  writeFileAtomic(decisionPath(podId), verdict);
}

async function fromPerson(podId: string, signal: AbortSignal): Promise<Word> {
  for (;;) {
    if (existsSync(decisionPath(podId))) {
      const verdict = readFileIfThere(decisionPath(podId)) === 'commit' ? 'commit' : 'abort';
      rmSync(decisionPath(podId), { force: true });
      return { verdict, over: undefined };
    }
    await sleep(decisionPollMs, undefined, { signal });
  }
}

/** For a channel that cannot be opened again. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}
