/** What holds until the services have said what the person chose. Kept apart from the contract's schemas, so that no validator is loaded for it. */
import type { Settings } from '../../main/contract';

export const defaultSettings: Settings = {
  theme: 'system',
  contrast: 'system',
  motion: 'system',
  locale: 'system',
  overview: 'columns',
  hasThumbnails: true,
  skipsPlan: false,
  notifies: true,
  hasTray: true,
  terminalFontSizePx: 13,
  terminalCopiesOnSelect: false,
  terminalScreenReader: false,
  desktopScale: 'fit',
  desktopClipboard: false,
};
