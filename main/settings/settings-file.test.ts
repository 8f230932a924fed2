import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../contract';
import { replaceFile } from './atomic-file';
import { SettingsFile } from './settings-file';

let home: string;
const file = (): string => join(home, 'settings.json');

beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'zap-settings-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('SettingsFile', () => {
  it('keeps what was chosen, for its owner only, and fills in the rest', async () => {
    expect((await SettingsFile.open(home)).settings).toEqual(defaultSettings);
    await (await SettingsFile.open(home)).change({ theme: 'dark' });
    expect((await SettingsFile.open(home)).settings).toEqual({ ...defaultSettings, theme: 'dark' });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it.each(['{', '{"version":1,"settings":{"theme":"pink"}}', '[]', '{"version":1,"settings":{},"more":1}'])('puts %s aside', async (text) => {
    writeFileSync(file(), text);
    expect((await SettingsFile.open(home)).settings).toEqual(defaultSettings);
    expect(existsSync(file())).toBe(false);
    expect(readFileSync(`${file()}.unusable`, 'utf8')).toBe(text);
  });

  it('refuses those of a newer version, and leaves them', async () => {
    writeFileSync(file(), '{"version":2}');
    await expect(SettingsFile.open(home)).rejects.toMatchObject({ code: 'usage/settings-too-new' });
    expect(existsSync(file())).toBe(true);
  });
});

describe('replaceFile', () => {
  it('ends with what was asked for last', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => replaceFile(file(), String(index))));
    expect(readFileSync(file(), 'utf8')).toBe('19');
  });
});
