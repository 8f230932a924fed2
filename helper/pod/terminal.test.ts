import { describe, expect, it } from 'vitest';
import { parseTerminals } from './terminal';

describe('a tmux', () => {
  it('tells its terminals', () => {
    expect(parseTerminals('main\tbash\t~/src\nbuild_2\tmake\t\n')).toEqual([{ name: 'main', command: 'bash', title: '~/src' }, { name: 'build_2', command: 'make', title: '' }]);
  });

  it.each([
    ['names that are none', '../../etc\tsh\t\n-t evil\tsh\t\nx;y\tsh\t\nmain\u001b]0;x\u0007\tsh\t\n\t\t\n' + 'a'.repeat(33) + '\tsh\t\n', []],
    ['one name twice', 'main\ta\t1\nmain\tb\t2', [{ name: 'main', command: 'b', title: '2' }]],
    ['no fields', 'main', [{ name: 'main', command: '', title: '' }]],
    ['more fields than there are', 'main\ta\tb\tc\td', [{ name: 'main', command: 'a', title: 'b' }]],
  ])('that lies is not believed: %s', (_what, text, terminals) => {
    expect(parseTerminals(text)).toEqual(terminals);
  });

  it('that floods is cut: so many terminals, names and titles of so many characters', () => {
    const flood = Array.from({ length: 100_000 }, (_, index) => `t${index}\t${'c'.repeat(300)}\t${'t'.repeat(300)}`).join('\n');
    const terminals = parseTerminals(flood);
    expect(terminals).toHaveLength(100);
    expect(terminals[0]).toEqual({ name: 't0', command: 'c'.repeat(100), title: 't'.repeat(200) });
  });
});
