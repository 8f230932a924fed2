import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output, type Sink } from './output';
import { terminalPrompter } from './prompter';

interface Scene {
  stdin: PassThrough & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  shown: () => string;
  rawModes: boolean[];
  prompter: ReturnType<typeof terminalPrompter>;
}

function scene({ isTTY = true, isJson = false } = {}): Scene {
  const rawModes: boolean[] = [];
  const stdin: Scene['stdin'] = Object.assign(new PassThrough(), { isTTY, setRawMode: (isRaw: boolean) => rawModes.push(isRaw) });
  let text = '';
  const stderr: Sink = { isTTY, columns: 80, write: (chunk) => (text += String(chunk)) };
  return { stdin, shown: () => text, rawModes, prompter: terminalPrompter(stdin, new Output({ write: () => {} }, stderr, isJson)) };
}

describe('terminalPrompter', () => {
  it.each([
    ['y\r', true],
    ['YES\n', true],
    ['\r', false],
    ['yo\r', false],
    ['n\r', false],
  ])('takes %j as %s', async (typed, expected) => {
    const { stdin, prompter, shown } = scene();
    const answer = prompter.confirm({ lines: ['first', 'second'], question: 'Trust it?' });
    stdin.write(typed);
    expect(await answer).toBe(expected);
    expect(shown()).toMatch(/^first\nsecond\nTrust it\? \[y\/N\] /);
  });

  it('shows nothing of a secret, whatever is typed', async () => {
    const { stdin, prompter, shown, rawModes } = scene();
    const answer = prompter.secret({ question: 'Password:' });
    for (const key of ['w', 'r', 'o', 'n', 'g', '\x15', 'sec', 'x', '\x7f', 'r', 'et\x1b', '\r']) stdin.write(key);
    expect(await answer).toBe('secret');
    expect(shown()).toBe('Password: \n');
    expect(rawModes).toEqual([true, false]);
  });

  it('shows an answer that is no secret', async () => {
    const { stdin, prompter, shown } = scene();
    const answer = prompter.text({ question: 'Colour?' });
    stdin.write('red\b\b\bblue\r');
    expect(await answer).toBe('blue');
    expect(shown()).toContain('blue');
  });

  it('cleans what hosts want to have shown', async () => {
    const { stdin, prompter, shown } = scene();
    const answer = prompter.secret({ question: 'evil\x1b[2J\x07 prompt:' });
    stdin.write('\r');
    expect(await answer).toBeUndefined();
    expect(shown()).not.toMatch(/[\x07\x1b]/);
  });

  it('asks one question at a time, and leaves what was typed ahead for the next', async () => {
    const { stdin, prompter, shown } = scene();
    const answers = Promise.all([prompter.secret({ question: 'One:' }), prompter.secret({ question: 'Two:' })]);
    stdin.write('a\rb\r');
    expect(await answers).toEqual(['a', 'b']);
    expect(shown()).toBe('One: \nTwo: \n');
  });

  it('is cancelled by Ctrl-C and by its signal, and gives the terminal back', async () => {
    const { stdin, prompter, rawModes } = scene();
    const first = prompter.secret({ question: 'One:' });
    stdin.write('abc\x03');
    await expect(first).rejects.toMatchObject({ code: 'cancelled/by-user' });
    const stop = new AbortController();
    const second = prompter.secret({ question: 'Two:', signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(second).rejects.toMatchObject({ code: 'cancelled/by-user' });
    expect(rawModes.at(-1)).toBe(false);
  });

  it('has no answer at the end of input', async () => {
    const { stdin, prompter } = scene();
    const answer = prompter.secret({ question: 'One:' });
    stdin.end();
    expect(await answer).toBeUndefined();
  });

  it.each([[{ isTTY: false }], [{ isJson: true }]])('asks nobody with %j', async (options) => {
    const { prompter, shown } = scene(options);
    expect(prompter.canAsk).toBe(false);
    expect(await prompter.confirm({ lines: [], question: 'Trust it?' })).toBe(false);
    expect(await prompter.secret({ question: 'Password:' })).toBeUndefined();
    expect(shown()).toBe('');
  });
});
