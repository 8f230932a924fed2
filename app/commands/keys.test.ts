import { beforeAll, describe, expect, it, vi } from 'vitest';
import { commandFor, formatKeys, matches, mayAct, type KeyPress } from './keys';

const press = (key: string, ...modifiers: ('ctrl' | 'shift' | 'alt' | 'meta')[]): KeyPress => ({ key, ctrlKey: modifiers.includes('ctrl'), shiftKey: modifiers.includes('shift'), altKey: modifiers.includes('alt'), metaKey: modifiers.includes('meta') });

beforeAll(() => vi.stubGlobal('navigator', { platform: 'Linux x86_64' }));

describe('keys of the registry', () => {
  it.each([
    [press('k', 'ctrl'), 'app.palette'],
    [press('P', 'ctrl', 'shift'), 'app.palette'],
    [press('?', 'shift'), 'app.shortcuts'],
    [press('?'), 'app.shortcuts'],
    [press('m', 'ctrl'), 'pod.move'],
    [press('N', 'ctrl', 'shift'), 'host.add'],
    [press('n', 'ctrl'), 'pod.create'],
    [press('Delete'), 'pod.delete'],
    [press('F2'), 'pod.rename'],
    [press('ArrowLeft', 'alt'), 'app.back'],
  ])('%o is %s', (key, id) => expect(commandFor(key)).toBe(id));

  it.each([press('k'), press('k', 'ctrl', 'shift'), press('Delete', 'shift'), press('m', 'ctrl', 'alt')])('%o is nothing', (key) => expect(commandFor(key)).toBeUndefined());

  it('tells letters with and without Shift apart, but not signs', () => {
    expect([matches('Mod+N', press('N', 'ctrl', 'shift')), matches('Mod+,', press(',', 'ctrl'))]).toEqual([false, true]);
  });

  it('are shown as people read them', () => {
    expect([formatKeys('Mod+Shift+P'), formatKeys('Alt+Left'), formatKeys('Delete'), formatKeys(undefined)]).toEqual(['Ctrl+Shift+P', 'Alt+←', 'Del', undefined]);
  });
});

describe('who gets a key', () => {
  const inside = (selector: string) => ({ closest: (asked: string) => (asked.includes(selector) ? {} : null) }) as unknown as Element;

  it('leaves typing to text fields, and all but the way out to desktops and terminals', () => {
    expect(mayAct(press('Delete'), inside('input'))).toBe(false);
    expect(mayAct(press('v', 'ctrl'), inside('input'))).toBe(false);
    expect(mayAct(press('k', 'ctrl'), inside('input'))).toBe(true);
    expect(mayAct(press('k', 'ctrl'), inside('data-takes-keys'))).toBe(false);
    expect(mayAct(press('P', 'ctrl', 'shift'), inside('data-takes-keys'))).toBe(true);
    expect(mayAct(press('Delete'), inside('tablist'))).toBe(false);
    expect(mayAct(press('Delete'), null)).toBe(true);
  });
});
