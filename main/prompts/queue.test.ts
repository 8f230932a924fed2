import { describe, expect, it } from 'vitest';
import type { Prompt } from '../contract';
import { Secret } from '../secrets/secret';
import { PromptQueue } from './queue';

function queueOf(): { queue: PromptQueue; asked: Prompt[]; gone: string[] } {
  const [asked, gone]: [Prompt[], string[]] = [[], []];
  return { asked, gone, queue: new PromptQueue({ onAsked: (prompt) => asked.push(prompt), onGone: (id) => gone.push(id) }, true) };
}

describe('PromptQueue', () => {
  it('brings the answer to who asked, once', async () => {
    const { queue, asked, gone } = queueOf();
    const [first, second] = [queue.prompter('alpha').secret({ question: 'Password?' }), queue.prompter('beta').confirm({ lines: ['a'], question: 'Trust?' })];
    expect(asked.map(({ kind, host }) => `${kind} ${host}`)).toEqual(['secret alpha', 'confirm beta']);
    queue.answer(asked[1]!.id, { kind: 'yes' });
    expect(await second).toBe(true);
    queue.answer(asked[0]!.id, { kind: 'text', text: 'hunter2', isToBeRemembered: false });
    expect(await first).toBe('hunter2');
    expect(gone).toEqual([asked[1]!.id, asked[0]!.id]);
    expect(() => queue.answer(asked[0]!.id, { kind: 'no' })).toThrow(/answered already/);
  });

  it('takes whatever is not clearly a yes for a no', async () => {
    const { queue, asked } = queueOf();
    const answers = [queue.prompter('a').confirm({ lines: [], question: '?' }), queue.prompter('a').confirm({ lines: [], question: '?' }), queue.prompter('a').secret({ question: '?' })];
    queue.answer(asked[0]!.id, { kind: 'text', text: 'yes', isToBeRemembered: false });
    queue.answer(asked[1]!.id, { kind: 'no' });
    queue.answer(asked[2]!.id, { kind: 'yes' });
    expect(await Promise.all(answers)).toEqual([false, false, undefined]);
  });

  it('knows which secrets are to be kept, and no others', async () => {
    const { queue, asked } = queueOf();
    const answer = queue.prompter('a').secret({ question: '?' });
    queue.answer(asked[0]!.id, { kind: 'text', text: 'hunter2', isToBeRemembered: true });
    await answer;
    expect(queue.isToBeKept(new Secret('hunter2'))).toBe(true);
    expect(queue.isToBeKept(new Secret('other'))).toBe(false);
  });

  it('withdraws a question that nobody needs answered', async () => {
    const { queue, asked, gone } = queueOf();
    const stop = new AbortController();
    const answer = queue.prompter('a').text({ question: '?', signal: stop.signal });
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'cancelled/by-user' });
    expect(gone).toEqual([asked[0]!.id]);
    await expect(queue.prompter('a').text({ question: '?', signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled/by-user' });
    expect(asked).toHaveLength(1);
  });
});
