/** What a person has chosen, in settings.json. A document that cannot be used is put aside, never overwritten. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../../helper/protocol/errors';
import { defaultSettings, Settings } from '../contract';
import { readIfThere, replaceFile } from './atomic-file';

const VERSION = 1;

export class SettingsFile {
  private constructor(
    private readonly path: string,
    private current: Settings,
  ) {}

  static async open(zapHome: string): Promise<SettingsFile> {
    const path = join(zapHome, 'settings.json');
    const text = await readIfThere(path);
    if (text === undefined) return new SettingsFile(path, defaultSettings);
    const settings = parse(text);
    if (!settings) await rename(path, `${path}.unusable`);
    return new SettingsFile(path, settings ?? defaultSettings);
  }

  get settings(): Settings {
    return this.current;
  }

  async change(patch: Partial<Settings>): Promise<Settings> {
    this.current = Settings.parse({ ...this.current, ...patch });
    await replaceFile(this.path, `${JSON.stringify({ version: VERSION, settings: this.current }, null, 2)}\n`);
    return this.current;
  }
}

function parse(text: string): Settings | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version } = z.object({ version: z.number().optional() }).catch({}).parse(document);
  if (version !== undefined && version > VERSION) throw new ZapError('usage/settings-too-new', 'The settings were written by a newer Zap.', { hint: 'Use that one, or remove settings.json.', data: { version } });
  return z.strictObject({ version: z.literal(VERSION), settings: Settings }).safeParse(document).data?.settings;
}
