import { createDecipheriv, scryptSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nobody, type Prompter } from '../prompts/prompter';
import { CheckpointKeys, keyFileName } from './checkpoint-keys';
import { Secret } from './secret';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'zap-keys-'))));
afterEach(() => rmSync(home, { recursive: true }));
const pod = '0123456789ab';
const passphrase = new Secret('correct horse');

test('each checkpoint has a key of its own, which opens with the key in Zap\'s directory', async () => {
  const [one, two] = await Promise.all([new CheckpointKeys(home).seal(pod), new CheckpointKeys(home).seal(pod)]);
  expect(one.key).not.toBe(two.key);
  expect(await new CheckpointKeys(home).open(pod, one.wrapped)).toBe(one.key);
  expect(await new CheckpointKeys(home).open(pod, two.wrapped)).toBe(two.key);
  expect(readdirSync(home)).toEqual([keyFileName]);
  expect(statSync(join(home, keyFileName)).mode & 0o777).toBe(0o600);
  for (const { wrapped, key } of [one, two]) for (const secret of [key, readFileSync(join(home, keyFileName), 'utf8').trim()]) expect(wrapped).not.toContain(secret);
});

test.each<[string, (wrapped: string) => { pod?: string; wrapped?: string; home?: () => void }, string]>([
  ['another POD', () => ({ pod: 'ba9876543210' }), 'checkpoint/not-yours'],
  ['altered', (wrapped) => ({ wrapped: wrapped.replace(/"data":"./, (text) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0')) }), 'checkpoint/not-yours'],
  ['another directory', () => ({ home: () => rmSync(join(home, keyFileName)) }), 'checkpoint/not-yours'],
  ['a damaged key file', () => ({ home: () => writeFileSync(join(home, keyFileName), 'x') }), 'checkpoint/key-file'],
  ['no JSON', () => ({ wrapped: '{' }), 'checkpoint/key-unreadable'],
  ['one that makes work', (wrapped) => ({ wrapped: JSON.stringify({ ...(JSON.parse(wrapped) as object), n: 2 ** 30 }) }), 'checkpoint/key-unreadable'],
])('refused: %s', async (_what, change, code) => {
  const { wrapped } = await new CheckpointKeys(home).seal(pod);
  const changed = change(wrapped);
  changed.home?.();
  await expect(new CheckpointKeys(home).open(changed.pod ?? pod, changed.wrapped ?? wrapped)).rejects.toMatchObject({ code });
});

test('a passphrase is stretched, at a cost that no host can lower', async () => {
  const { key, wrapped } = await new CheckpointKeys(home).seal(pod, { passphrase });
  const { salt, iv, tag, data } = JSON.parse(wrapped) as Record<'salt' | 'iv' | 'tag' | 'data', string>;
  const stretched = scryptSync(passphrase.reveal(), Buffer.from(salt, 'hex'), 32, { N: 131_072, r: 8, p: 1, maxmem: 256 << 20 });
  const decipher = createDecipheriv('aes-256-gcm', stretched, Buffer.from(iv, 'hex')).setAAD(Buffer.from(pod)).setAuthTag(Buffer.from(tag, 'hex'));
  expect(Buffer.concat([decipher.update(Buffer.from(data, 'hex')), decipher.final()]).toString('hex')).toBe(key);
  const cheaper = JSON.stringify({ ...(JSON.parse(wrapped) as object), cost: { N: 2 } });
  await expect(new CheckpointKeys(home).open(pod, cheaper, { passphrase })).rejects.toMatchObject({ code: 'checkpoint/key-unreadable' });
});

test('with a passphrase no file is needed, and nobody else can open it', async () => {
  const { key, wrapped } = await new CheckpointKeys(home).seal(pod, { passphrase });
  expect(readdirSync(home)).toEqual([]);
  expect(await new CheckpointKeys('/nowhere').open(pod, wrapped, { passphrase })).toBe(key);
  await expect(new CheckpointKeys(home).open(pod, wrapped, { passphrase: new Secret('correct hors') })).rejects.toMatchObject({ code: 'checkpoint/wrong-passphrase' });
  await expect(new CheckpointKeys(home).open(pod, wrapped)).rejects.toMatchObject({ code: 'checkpoint/passphrase-needed' });
  const answers = ['wrong', 'correct horse'];
  const asked: string[] = [];
  const prompter: Prompter = { ...nobody, canAsk: true, secret: async ({ question }) => (asked.push(question), answers.shift()) };
  expect(await new CheckpointKeys(home, prompter).open(pod, wrapped)).toBe(key);
  expect(asked).toHaveLength(2);
});
