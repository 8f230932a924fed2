import { describe, expect, it } from 'vitest';
import { wholeSelection } from './selection';
import { desk } from '../state/desk';

const items = [
  { id: 'a', name: 'a' },
  { id: 'b', name: 'b' },
];
const state = { ...desk.getState(), selected: new Set(['a', 'far']) };

describe('the selection of all columns', () => {
  it('keeps what other columns hold when a list adds to it', () => expect([...wholeSelection(new Set(['elsewhere', 'a', 'b']), items, state)]).toEqual(['far', 'a', 'b']));

  it('drops it when a list replaces it', () => expect([...wholeSelection(new Set(['b']), items, state)]).toEqual(['b']));

  it('keeps it when a list lets its last one go', () => expect([...wholeSelection(new Set(['elsewhere']), items, state)]).toEqual(['far']));
});
