/** Every rule of docs/SECURITY.md has a test, and that test is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = join(import.meta.dirname, '../..');
const rows = readFileSync(join(top, 'docs/SECURITY.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'))
  .map((line) => line.split('|').map((cell) => cell.trim()).slice(1, -1));

describe('SECURITY.md', () => {
  it('has its lines in the form of threat, rule, test', () => {
    expect(rows.length).toBeGreaterThan(35);
    for (const row of rows) expect(row, row[0]).toHaveLength(3);
  });

  it.each(rows.map((row) => [row[0]!, row[2]!] as const))('%s', (_threat, named) => {
    const [, file, title] = /^`([^`]+)`: (.+)$/.exec(named) ?? [];
    expect(file && existsSync(join(top, file)), named).toBe(true);
    // A title may be a template: what stands between its parameters is what is looked for.
    const titles = [...readFileSync(join(top, file!), 'utf8').matchAll(/(?:\b(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)*\(|\]\)\(|\}\)\(|\)\)\()\s*(['`])((?:\\.|(?!\1).)*)\1|\[\s*'((?:\\.|[^'])*)'/g)].map(([, , whole, row]) => (whole ?? row!).replaceAll("\\'", "'").replace(/\$\{[^}]*\}/g, '…'));
    expect(titles.filter((one) => one.includes(title!)), named).not.toEqual([]);
  });
});
