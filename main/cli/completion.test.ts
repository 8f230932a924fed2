import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bashCompletion } from './completion';
import { commands } from './verbs/table';

/** What a real bash offers for the last of these words. */
function offers(words: string[], zapHome = '/nowhere'): string[] {
  const script = `${bashCompletion(commands)}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zap; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script, 'bash', ...words], { env: { ...process.env, ZAP_HOME: zapHome } }).toString().split('\n').filter(Boolean);
}

it('offers nouns, verbs and options', () => {
  expect(offers(['zap', ''])).toEqual(expect.arrayContaining(['pod', 'host', 'env', 'help']));
  expect(offers(['zap', 'host', 'do'])).toEqual(['doctor']);
  expect(offers(['zap', 'host', 'doctor', '--f'])).toEqual(['--fix']);
  expect(offers(['zap', 'pod', 'move', 'desk', 'beta', '--d'])).toEqual(['--dry-run']);
  expect(offers(['zap', 'nonsense', 'x', '--y'])).toEqual([]);
});

it('offers the hosts there are', () => {
  const home = mkdtempSync(join(tmpdir(), 'zap-completion-'));
  try {
    writeFileSync(join(home, 'hosts.json'), `${JSON.stringify({ version: 1, hosts: { alpha: { alias: 'alpha' }, 'beta.example': { address: '10.0.0.1', port: 22, user: 'zap' } } }, null, 2)}\n`);
    expect(offers(['zap', 'host', 'show', ''], home)).toEqual(['local', 'alpha', 'beta.example']);
    expect(offers(['zap', 'pod', 'create', 'desk', '--host', 'al'], home)).toEqual(['alpha']);
    expect(offers(['zap', 'pod', 'move', 'desk', 'b'], home)).toEqual(['beta.example']);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
