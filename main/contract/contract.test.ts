import { describe, expect, it } from 'vitest';
import { calls, commandIds, commandLabels, commands, defaultSettings, events, locales, Settings, streams } from './index';

describe('the contract', () => {
  it('refuses keys that it does not know', () => {
    expect(calls['pod.move'].in.safeParse({ pod: '0123456789ab', to: 'beta', resumes: false }).success).toBe(true);
    expect(calls['pod.move'].in.safeParse({ pod: '0123456789ab', to: 'beta', resumes: false, force: true }).success).toBe(false);
    expect(streams.desktop.safeParse({ pod: '../etc' }).success).toBe(false);
    for (const { in: input } of Object.values(calls)) expect(input.safeParse({ unheardOf: 1 }).success).toBe(false);
  });

  it('changes only the settings that are named', () => {
    expect(calls['settings.change'].in.parse({ theme: 'dark' })).toEqual({ theme: 'dark' });
    expect(calls['settings.change'].in.safeParse({ theme: 'pink' }).success).toBe(false);
    expect(Settings.parse({ theme: 'dark' })).toEqual({ ...defaultSettings, theme: 'dark' });
  });

  it('takes pictures as bytes only', () => {
    expect(events.thumbnail.safeParse({ pod: '0123456789ab', png: new Uint8Array(4), atMs: 1 }).success).toBe(true);
    expect(events.thumbnail.safeParse({ pod: '0123456789ab', png: 'data:image/png', atMs: 1 }).success).toBe(false);
  });
});

describe('the registry of commands', () => {
  it('has a label for each in every language', () => {
    for (const locale of locales) expect(Object.keys(commandLabels[locale]).sort()).toEqual([...commandIds].sort());
  });

  it('gives each key to one command', () => {
    const keys = commandIds.flatMap((id) => [...(commands[id].keys ? [commands[id].keys] : []), ...(commands[id].otherKeys ?? [])]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('puts what is dangerous last among its kind', () => {
    for (const target of ['host', 'pod'] as const) {
      const dangerous = commandIds.filter((id) => commands[id].target === target).map((id) => commands[id].isDangerous === true);
      expect(dangerous.at(-1)).toBe(true);
    }
  });
});
