/**
 * One selection for all columns, each of which is a list with a selection of its own.
 *
 * A list is given what is selected of its own items, so that a click in one column renders no other. With it goes a key that stands for what other columns hold: a list
 * that replaces the selection drops it, one that adds to the selection keeps it.
 */
import { useRef } from 'react';
import { desk, useDesk } from '../state/desk';
import type { PodItem } from '../state/selectors';

const ELSEWHERE = 'elsewhere';
const noneHere: ReadonlySet<string> = new Set([ELSEWHERE]);

/** The same set as before unless one of the items was selected or let go. */
export function useSelectedOf(items: readonly PodItem[]): ReadonlySet<string> {
  const last = useRef(noneHere);
  return useDesk(({ selected }) => {
    const here = selected.size === 0 ? [] : items.filter(({ id }) => selected.has(id));
    const isSame = here.length === last.current.size - 1 && here.every(({ id }) => last.current.has(id));
    if (!isSame) last.current = here.length === 0 ? noneHere : new Set([ELSEWHERE, ...here.map(({ id }) => id)]);
    return last.current;
  });
}

/** What a list says is selected, with what stays selected in others. */
export function wholeSelection(keys: ReadonlySet<string | number>, items: readonly PodItem[], { selected } = desk.getState()): Set<string> {
  const here = new Set([...keys].map(String));
  if (!here.delete(ELSEWHERE)) return here;
  const own = new Set(items.map(({ id }) => id));
  return new Set([...[...selected].filter((id) => !own.has(id)), ...here]);
}
