/** Questions on the terminal: one at a time, secrets without an echo. Without a terminal nobody is there to answer. */
import type { Readable } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';
import { nobody, type Prompter } from '../prompts/prompter';
import { printable } from './format';
import type { Output } from './output';

/** Standard input; a terminal, if it has what makes one. */
export type TerminalInput = Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };

const MAX_ANSWER_CHARACTERS = 4096;

export function terminalPrompter(stdin: TerminalInput, output: Output): Prompter {
  if (!stdin.isTTY || !stdin.setRawMode || !output.showsProgress) return nobody;
  let last: Promise<unknown> = Promise.resolve();
  /** Hosts are asked at once; people are not. */
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const mine = last.then(ask);
    last = mine.catch(() => {});
    return mine;
  };
  const say = (text: string): void => {
    output.endProgress();
    output.stderr.write(text);
  };
  return {
    canAsk: true,
    confirm: ({ lines, question, signal }) =>
      inTurn(async () => {
        say(`${lines.map((line) => printable(line)).join('\n')}\n${printable(question)} [y/N] `);
        const answer = await readLine(stdin, { isShown: true, say, signal });
        return /^y(es)?$/i.test(answer?.trim() ?? '');
      }),
    secret: ({ question, signal }) =>
      inTurn(async () => {
        say(`${printable(question)} `);
        return (await readLine(stdin, { isShown: false, say, signal })) || undefined;
      }),
    text: ({ question, signal }) =>
      inTurn(async () => {
        say(`${printable(question)} `);
        return await readLine(stdin, { isShown: true, say, signal });
      }),
  };
}

interface LineOptions {
  isShown: boolean;
  say: (text: string) => void;
  signal?: AbortSignal | undefined;
}

/** Raw mode throughout, so that not one character of a secret shows; undefined at the end of input. Ctrl-C cancels. */
function readLine(stdin: TerminalInput, { isShown, say, signal }: LineOptions): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let typed = '';
    const settle = (act: () => void): void => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      signal?.removeEventListener('abort', onAbort);
      stdin.setRawMode!(false);
      stdin.pause();
      say('\n');
      act();
    };
    const cancelled = (): ZapError => new ZapError('cancelled/by-user', 'Cancelled.');
    const onAbort = (): void => settle(() => reject(cancelled()));
    const onEnd = (): void => settle(() => resolve(undefined));
    const onData = (chunk: Buffer): void => {
      const text = chunk.toString();
      for (const [index, character] of Array.from(text).entries()) {
        switch (character) {
          case '\r':
          case '\n': {
            const rest = Array.from(text).slice(index + 1).join('');
            return settle(() => {
              if (rest !== '') stdin.unshift(Buffer.from(rest));
              resolve(typed);
            });
          }
          case '\x03':
            return settle(() => reject(cancelled()));
          case '\x04':
            if (typed === '') return onEnd();
            break;
          case '\x7f':
          case '\b':
            if (isShown && typed !== '') say('\b \b');
            typed = Array.from(typed).slice(0, -1).join('');
            break;
          case '\x15':
            if (isShown) say('\b \b'.repeat(Array.from(typed).length));
            typed = '';
            break;
          default:
            if (character < ' ' || typed.length >= MAX_ANSWER_CHARACTERS) break;
            typed += character;
            if (isShown) say(character);
        }
      }
    };
    if (signal?.aborted) return reject(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    stdin.setRawMode!(true);
    stdin.on('data', onData);
    stdin.once('end', onEnd);
    stdin.resume();
  });
}
