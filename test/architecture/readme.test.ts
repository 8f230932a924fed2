/** README and program say the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../helper/protocol/errors';
import { exitCodeMeanings } from '../../main/cli/help';
import { commands } from '../../main/cli/verbs/table';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

describe('README', () => {
  it('has the table of exit codes', () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| `([a-z]+)` \| (.*) \|$/gm)].map(([, code, area, meaning]) => [area, Number(code), meaning]);
    expect(rows).toEqual(Object.entries(exitCodes).map(([area, code]) => [area, code, exitCodeMeanings[area as keyof typeof exitCodes]]));
  });

  it('names every command', () => {
    const nouns = new Map<string, string>();
    for (const line of readme.split('\n').filter((row) => row.startsWith('| `zap '))) {
      const noun = /^\| `zap (\w+)/.exec(line)![1]!;
      nouns.set(noun, `${nouns.get(noun) ?? ''} ${line}`);
    }
    const missing = commands.filter(({ name }) => name.includes(' ')).filter(({ name }) => !new RegExp(`\\b${name.split(' ')[1]}\\b`).test(nouns.get(name.split(' ')[0]!) ?? ''));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
