/** What a person can choose. Each setting has a default, so that an old document is a whole one. */
import { z } from 'zod';
import { locales } from './locales';

export const Settings = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  contrast: z.enum(['system', 'more']).default('system'),
  motion: z.enum(['system', 'reduced']).default('system'),
  locale: z.enum(['system', ...locales]).default('system'),
  overview: z.enum(['columns', 'list']).default('columns'),
  /** Pictures of desktops on cards. */
  hasThumbnails: z.boolean().default(true),
  /** A drop moves at once when there is nothing to warn of. */
  skipsPlan: z.boolean().default(false),
  notifies: z.boolean().default(true),
  hasTray: z.boolean().default(true),
  terminalFontSizePx: z.number().int().min(8).max(32).default(13),
  terminalCopiesOnSelect: z.boolean().default(false),
  terminalScreenReader: z.boolean().default(false),
  desktopScale: z.enum(['fit', 'actual']).default('fit'),
  /** Whether desktops may exchange the clipboard with this computer. */
  desktopClipboard: z.boolean().default(false),
});
export type Settings = z.infer<typeof Settings>;

export const defaultSettings: Settings = Settings.parse({});
