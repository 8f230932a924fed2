/** A POD's terminals, each a tab. They live in the POD: which there are is asked of it, and closing the window closes none. */
import { Plus, Search, SquareTerminal, X } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { CallOutput } from '../../main/contract';
import { call } from '../bridge/zap';
import { attempt } from '../commands/operate';
import { useText } from '../i18n/text';
import { IconButton } from '../ui/button';
import { nextName } from './names';
import { QuestionSheet } from './questions';
import { TerminalPane } from './terminal-pane';
import '../streams/screen.css';
import './terminal.css';

type TerminalInfo = CallOutput<'terminal.list'>['terminals'][number];

const REFRESH_MS = 10_000;
const shells = new Set(['bash', 'sh', 'dash', 'zsh', 'fish', 'tmux', '']);

export function TerminalTabs({ podId }: { podId: string }) {
  const t = useText();
  const [infos, setInfos] = useState<TerminalInfo[]>();
  const [names, setNames] = useState<string[]>([]);
  const [shown, setShown] = useState('main');
  const [visited, setVisited] = useState<ReadonlySet<string>>(new Set());
  const [closing, setClosing] = useState<TerminalInfo>();
  const [searches, setSearches] = useState(0);
  const tabList = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let isCurrent = true;
    const ask = async (): Promise<void> => {
      const found = await call('terminal.list', { pod: podId }).catch(() => undefined); // while it moves nobody can say
      if (!isCurrent) return;
      const terminals = found?.terminals ?? [];
      if (found) setInfos(terminals);
      setNames((known) => (known.length > 0 ? [...known, ...terminals.map(({ name }) => name).filter((name) => !known.includes(name))] : terminals.length > 0 ? terminals.map(({ name }) => name) : ['main']));
    };
    void ask();
    const timer = window.setInterval(() => document.visibilityState === 'visible' && void ask(), REFRESH_MS);
    return () => {
      isCurrent = false;
      window.clearInterval(timer);
    };
  }, [podId]);
  const current = names.includes(shown) ? shown : names[0];
  useEffect(() => {
    if (current !== undefined) setVisited((before) => (before.has(current) ? before : new Set([...before, current])));
  }, [current]);

  const open = (): void => {
    const name = nextName(names);
    setNames([...names, name]);
    setShown(name);
  };
  const drop = (name: string): void => {
    const at = names.indexOf(name);
    const left = names.filter((other) => other !== name);
    setNames(left);
    setVisited((before) => new Set([...before].filter((other) => other !== name)));
    if (name === current) setShown(left[Math.min(at, left.length - 1)] ?? 'main');
    if (left.length === 0) setNames(['main']); // a POD always has one to offer
  };
  const close = (name: string): void => {
    void attempt('terminal.close', { pod: podId, window: name });
    drop(name);
  };
  const askClose = async (name: string): Promise<void> => {
    const found = await call('terminal.list', { pod: podId }).catch(() => undefined);
    const info = (found?.terminals ?? infos ?? []).find((terminal) => terminal.name === name);
    if (info && !shells.has(info.command)) setClosing(info);
    else close(name);
  };
  const labelOf = (name: string): string => {
    const command = infos?.find((info) => info.name === name)?.command ?? '';
    return shells.has(command) ? String(names.indexOf(name) + 1) : `${names.indexOf(name) + 1}: ${command}`;
  };
  const onTabKey = (event: KeyboardEvent): void => {
    if (event.key === 'Delete' && current !== undefined) void askClose(current);
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0 || current === undefined) return;
    event.preventDefault();
    const next = names[(names.indexOf(current) + step + names.length) % names.length]!;
    setShown(next);
    tabList.current?.querySelector<HTMLElement>(`[data-name="${next}"]`)?.focus();
  };

  return (
    <div className="terminals">
      <div className="terminal-bar">
        <div ref={tabList} className="terminal-tabs" role="tablist" aria-label={t('terminal.terminals')} onKeyDown={onTabKey}>
          {names.map((name) => (
            <div key={name} className="terminal-tab" data-selected={name === current}>
              <button type="button" role="tab" data-name={name} aria-keyshortcuts="Delete" aria-selected={name === current} tabIndex={name === current ? 0 : -1} onClick={() => setShown(name)}>
                <SquareTerminal size={14} aria-hidden />
                <span className="truncate">{labelOf(name)}</span>
              </button>
              {/* For the mouse: a list of tabs may hold nothing else. Keys have Delete. */}
              <button type="button" className="terminal-tab-close" title={t('terminal.close', { name: labelOf(name) })} aria-hidden tabIndex={-1} onClick={() => void askClose(name)}>
                <X size={13} aria-hidden />
              </button>
            </div>
          ))}
        </div>
        <IconButton icon={Plus} isSmall label={t('terminal.new')} keys="Ctrl+Shift+T" onPress={open} />
        <span className="grow" />
        <IconButton icon={Search} isSmall label={t('terminal.find')} keys="Ctrl+Shift+F" onPress={() => setSearches(searches + 1)} />
      </div>
      {names
        .filter((name) => name === current || visited.has(name))
        .map((name) => (
          <TerminalPane key={name} podId={podId} window={name} label={labelOf(name)} isShown={name === current} searches={searches} onNew={open} onEnded={() => names.length > 1 && drop(name)} />
        ))}
      {closing && <QuestionSheet question={{ kind: 'close', command: closing.command, close: () => close(closing.name) }} onClose={() => setClosing(undefined)} />}
    </div>
  );
}
