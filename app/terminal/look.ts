/** How terminals look: dark in every theme, as the programs in them expect. */
import type { ITerminalInitOnlyOptions, ITerminalOptions } from '@xterm/xterm';
import { useMemo, useRef } from 'react';
import { useWorld } from '../state/selectors';

export interface TerminalLook {
  options: ITerminalOptions;
  mayWriteClipboard: () => boolean;
}

export const baseOptions: ITerminalOptions & ITerminalInitOnlyOptions = {
  allowProposedApi: true, // characters of several code points
  cursorBlink: false,
  fontFamily: "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, monospace",
  lineHeight: 1.15,
  macOptionIsMeta: true,
  rightClickSelectsWord: false,
  theme: {
    background: '#16181d',
    foreground: '#dfe2ea',
    cursor: '#a5a7ff',
    cursorAccent: '#16181d',
    selectionBackground: '#4a4de088',
    black: '#262a33',
    red: '#ff8078',
    green: '#55cf8f',
    yellow: '#f0b44c',
    blue: '#7ab8ff',
    magenta: '#d49bff',
    cyan: '#5ed1d8',
    white: '#c9cdd8',
    brightBlack: '#7d8494',
    brightRed: '#ffa39d',
    brightGreen: '#86e3b1',
    brightYellow: '#ffd08a',
    brightBlue: '#a8d1ff',
    brightMagenta: '#e6c4ff',
    brightCyan: '#97e6ea',
    brightWhite: '#ffffff',
  },
};

/** Of addresses behind words, which a program chose: the terminal's own way would be to ask with a dialog of the browser's. */
export function linksTo(open: (url: string) => void): ITerminalOptions {
  return { linkHandler: { activate: (_event, url) => open(url) } };
}

export function useTerminalLook(): TerminalLook {
  const fontSize = useWorld(({ settings }) => settings.terminalFontSizePx);
  const screenReaderMode = useWorld(({ settings }) => settings.terminalScreenReader);
  const hasContrast = useWorld(({ settings }) => settings.contrast === 'more');
  const mayWrite = useWorld(({ settings }) => settings.desktopClipboard);
  const latest = useRef(mayWrite);
  latest.current = mayWrite;
  return useMemo(
    () => ({ options: { fontSize, screenReaderMode, minimumContrastRatio: hasContrast ? 7 : 4.5 }, mayWriteClipboard: () => latest.current }),
    [fontSize, screenReaderMode, hasContrast],
  );
}
