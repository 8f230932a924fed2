/** What programs in a POD may do to the clipboard (OSC 52): set it where a person allowed that and looks on, and never read it. */
import type { IClipboardProvider } from '@xterm/addon-clipboard';

const maxCharacters = 100_000;

export interface ClipboardRights {
  mayWrite: () => boolean;
  hasFocus: () => boolean;
  put: (text: string) => Promise<void>;
}

export function podClipboard({ mayWrite, hasFocus, put }: ClipboardRights): IClipboardProvider {
  return {
    readText: () => '',
    writeText: async (_, text) => {
      if (mayWrite() && hasFocus() && text.length <= maxCharacters) await put(text).catch(() => {}); // another window came in between
    },
  };
}
