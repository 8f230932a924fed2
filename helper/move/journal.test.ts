import { expect, test } from 'vitest';
import { parseJournal } from './journal';

const entry = { role: 'source', version: 1, transfer: '0123456789abcdef', pod: '0123456789ab', phase: 'open', peer: 'relay', key: 'k' };

test('the last whole line counts', () => {
  expect(parseJournal(`${JSON.stringify(entry)}\n`).phase).toBe('open');
  expect(parseJournal(`${JSON.stringify(entry)}\n{"phase":"committed"}\n`).phase).toBe('committed');
});

test('a line that was cut off was not promised', () => {
  for (let length = 0; length < '{"phase":"committed"}'.length; length++) {
    expect(parseJournal(`${JSON.stringify(entry)}\n${'{"phase":"committed"}'.slice(0, length)}`).phase).toBe('open');
  }
});

test('what was written after a line that could not be written whole counts again', () => {
  expect(parseJournal(`${JSON.stringify(entry)}\n\n{"phase":"comm\n{"phase":"given-up"}\n`).phase).toBe('given-up');
});

test('a journal of another form is refused', () => {
  expect(() => parseJournal('{"role":"nobody"}\n')).toThrow();
});
