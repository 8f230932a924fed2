/** README and program say the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../helper/protocol/errors';
import { exitCodeMeanings } from '../../main/cli/help';
import { globalOptions } from '../../main/cli/command';
import { parseArguments } from '../../main/cli/parse';
import { commands } from '../../main/cli/verbs/table';
import { scripts } from '../../package.json';

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

  it('shows commands as they are understood', () => {
    const shown = [...readme.matchAll(/^```\n([^]*?)^```$/gm)].flatMap(([, block]) => block!.split('\n')).filter((line) => line.startsWith('zap '));
    expect(shown.length).toBeGreaterThan(5);
    for (const line of shown) {
      const words = line.replace(/ +#.*$/, '').split(/ +/).slice(1);
      expect(parseArguments(commands, words), line).toMatchObject({ kind: 'run', command: { name: words.slice(0, 2).join(' ') } });
    }
  });

  it('names options that its commands have', () => {
    const uses = readme.split('\n').filter((row) => row.startsWith('| `zap ')).flatMap((row) => {
      const usages = [...row.split(/(?<!\\)\|/)[1]!.matchAll(/`([^`]+)`/g)].map(([, usage]) => usage!.replaceAll('\\|', ' '));
      const noun = usages[0]!.split(' ')[1]!;
      return usages.map((usage, index) => (index === 0 ? usage.slice('zap '.length) : `${noun} ${usage}`));
    });
    const named = uses.flatMap((usage) => {
      const command = commands.find(({ name }) => usage === name || usage.startsWith(`${name} `));
      expect(command, usage).toBeDefined();
      const known = Object.entries({ ...command!.options, ...globalOptions }).flatMap(([name, spec]) => [`--${name}`, ...('short' in spec ? [`-${spec.short}`] : [])]);
      const options = [...usage.matchAll(/(?<=[[ ])--?[a-z][a-z-]*/g)].map(([option]) => option);
      expect(known, usage).toEqual(expect.arrayContaining(options));
      return options;
    });
    expect(named.length).toBeGreaterThan(20);
  });

  it('names scripts that npm has', () => {
    const named = [...readme.matchAll(/npm (?:run ([a-z:]+)|(test))/g)].map(([, script, test]) => script ?? test);
    expect(named).toContain('demo');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });
});
