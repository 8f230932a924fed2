/**
 * Earlier lines of a terminal, over it: asked of the POD when somebody looks, so they are complete, and are the same after every move.
 *
 * It is a picture of one moment: what is written meanwhile does not push away what is being read.
 */
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { ArrowDownToLine, ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useText } from '../i18n/text';
import { Button, IconButton } from '../ui/button';
import { baseOptions, linksTo, type TerminalLook } from './look';

export interface HistoryPaneProps {
  text: string;
  look: TerminalLook;
  isSearching: boolean;
  onSearch: () => void;
  onLink: (url: string) => void;
  onSelect: (text: string) => void;
  onClose: () => void;
}

const MAX_LINES = 20_000;
const decorations = { matchBackground: '#5c4a1e', activeMatchBackground: '#b07d1a', matchOverviewRuler: '#f0b44c', activeMatchColorOverviewRuler: '#f0b44c' };

export function HistoryPane({ text, look, isSearching, onSearch, onLink, onSelect, onClose }: HistoryPaneProps) {
  const t = useText();
  const target = useRef<HTMLDivElement>(null);
  const shown = useRef<{ terminal: Terminal; search: SearchAddon }>(null);
  const latest = useRef({ onLink, onSelect, onClose });
  latest.current = { onLink, onSelect, onClose };
  const [needle, setNeedle] = useState('');
  const [found, setFound] = useState<{ resultIndex: number; resultCount: number }>();

  useEffect(() => {
    if (!target.current) return;
    const terminal = new Terminal({ ...baseOptions, ...look.options, ...linksTo((url) => latest.current.onLink(url)), scrollback: MAX_LINES, disableStdin: true, convertEol: true, cursorInactiveStyle: 'none' });
    const [fitter, search] = [new FitAddon(), new SearchAddon()];
    for (const addon of [fitter, search, new WebLinksAddon((_, url) => latest.current.onLink(url))]) terminal.loadAddon(addon);
    terminal.open(target.current);
    fitter.fit();
    search.onDidChangeResults(setFound);
    terminal.onSelectionChange(() => latest.current.onSelect(terminal.getSelection()));
    terminal.attachCustomWheelEventHandler(({ deltaY }) => {
      const { viewportY, baseY } = terminal.buffer.active;
      if (deltaY > 0 && viewportY >= baseY) latest.current.onClose(); // on past the last line
      return true;
    });
    // As the newest lines lie on the screen below it: moving back by a little is all that is seen.
    terminal.write(text.replace(/\n+$/, ''), () => {
      terminal.scrollToBottom();
      terminal.scrollLines(-3);
    });
    terminal.focus();
    shown.current = { terminal, search };
    const observer = new ResizeObserver(() => fitter.fit());
    observer.observe(target.current);
    return () => {
      observer.disconnect();
      terminal.dispose();
      shown.current = null;
    };
  }, [text, look]);

  const find = (direction: 'next' | 'previous', wanted = needle): void => {
    const { search } = shown.current ?? {};
    if (!search) return;
    if (wanted === '') return search.clearDecorations();
    if (direction === 'next') search.findNext(wanted, { decorations });
    else search.findPrevious(wanted, { decorations });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { terminal } = shown.current ?? {};
    const isFind = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === 'f';
    if (event.key === 'Escape') onClose();
    else if (isFind) onSearch();
    else if (event.key === 'PageUp') terminal?.scrollPages(-1);
    else if (event.key === 'PageDown') terminal?.scrollPages(1);
    else if (event.key === 'Home' && event.ctrlKey) terminal?.scrollToTop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="terminal-history" onKeyDownCapture={onKeyDown} role="region" aria-label={t('terminal.history')}>
      <div className="terminal-history-bar">
        {isSearching ? (
          <search className="row grow">
            <input
              className="input terminal-find"
              type="search"
              autoFocus
              aria-label={t('terminal.find')}
              placeholder={t('terminal.find')}
              value={needle}
              onChange={({ target: { value } }) => {
                setNeedle(value);
                find('previous', value);
              }}
              onKeyDown={({ key, shiftKey }) => key === 'Enter' && find(shiftKey ? 'next' : 'previous')}
            />
            <span className="small quiet figures" role="status">
              {needle !== '' && found && (found.resultCount === 0 ? t('terminal.find-none') : t('terminal.find-count', { index: found.resultIndex + 1, count: found.resultCount }))}
            </span>
            <IconButton icon={ChevronUp} isSmall label={t('terminal.find-previous')} onPress={() => find('previous')} />
            <IconButton icon={ChevronDown} isSmall label={t('terminal.find-next')} onPress={() => find('next')} />
          </search>
        ) : (
          <span className="small grow">{t('terminal.history')}</span>
        )}
        <Button icon={ArrowDownToLine} isSmall onPress={onClose}>
          {t('terminal.history-live')}
        </Button>
        <IconButton icon={X} isSmall label={t('common.close')} onPress={onClose} />
      </div>
      <div ref={target} className="terminal-screen" />
    </div>
  );
}
