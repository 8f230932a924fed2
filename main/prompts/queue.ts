/** Questions that wait for an answer from the user interface, whichever of its windows gives it. */
import { randomBytes } from 'node:crypto';
import { ZapError } from '../../helper/protocol/errors';
import type { Prompt, PromptAnswer } from '../contract';
import type { Prompter } from './prompter';

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
export type Question = Without<Prompt, 'id'>;

export interface QueueEvents {
  onAsked: (prompt: Prompt) => void;
  onGone: (id: string) => void;
}

export class PromptQueue {
  private readonly waiting = new Map<string, { prompt: Prompt; answer: (answer: PromptAnswer) => void }>();
  /** Secrets that the person asked to have kept. They are compared, never shown. */
  private readonly toKeep = new Set<string>();

  constructor(
    private readonly events: QueueEvents,
    /** Whether "remember" would be kept beyond this run. */
    private readonly canRemember: boolean,
  ) {}

  /** Rejects when the signal is aborted: whoever asked does not need the answer any more. */
  ask(question: Question, signal?: AbortSignal): Promise<PromptAnswer> {
    return new Promise((resolve, reject) => {
      const id = randomBytes(8).toString('hex');
      const settle = (act: () => void): void => {
        this.waiting.delete(id);
        signal?.removeEventListener('abort', onAbort);
        this.events.onGone(id);
        act();
      };
      const onAbort = (): void => settle(() => reject(new ZapError('cancelled/by-user', 'Cancelled.')));
      if (signal?.aborted) return reject(new ZapError('cancelled/by-user', 'Cancelled.'));
      signal?.addEventListener('abort', onAbort, { once: true });
      const prompt: Prompt = { ...question, id };
      this.waiting.set(id, { prompt, answer: (answer) => settle(() => resolve(answer)) });
      this.events.onAsked(prompt);
    });
  }

  answer(id: string, answer: PromptAnswer): void {
    const waiting = this.waiting.get(id);
    if (!waiting) throw new ZapError('usage/prompt-gone', 'This question is answered already, or nobody waits for it any more.');
    waiting.answer(answer);
  }

  isToBeKept = (secret: { reveal(): string }): boolean => this.toKeep.has(secret.reveal());

  /** As the services ask: a person who closes the question gives no answer. */
  prompter(host: string): Prompter {
    const typed = (kind: 'secret' | 'text', question: string, signal: AbortSignal | undefined): Promise<string | undefined> => {
      const asked: Question = kind === 'secret' ? { kind, host, question, canRemember: this.canRemember } : { kind, host, question };
      return this.ask(asked, signal).then((answer) => {
        if (answer.kind !== 'text') return undefined;
        if (kind === 'secret' && answer.isToBeRemembered) this.toKeep.add(answer.text);
        return answer.text;
      });
    };
    return {
      canAsk: true,
      confirm: async ({ lines, question, signal }) => (await this.ask({ kind: 'confirm', host, lines, question }, signal)).kind === 'yes',
      secret: async ({ question, signal }) => (await typed('secret', question, signal)) || undefined,
      text: ({ question, signal }) => typed('text', question, signal),
    };
  }
}
