/** One terminal: its screen, its earlier lines, what it asks. */
import { useEffect, useRef, useState } from 'react';
import { call } from '../bridge/zap';
import { attempt } from '../commands/operate';
import { run } from '../commands/run';
import { isRelease } from '../desktop/release';
import { useText } from '../i18n/text';
import { useWorld } from '../state/selectors';
import { Gone, Veil } from '../streams/veil';
import type { ViewState } from '../streams/view-state';
import { HistoryPane } from './history-pane';
import { useTerminalLook } from './look';
import { mayRun } from './paste';
import { QuestionSheet, type TerminalQuestion } from './questions';
import { TerminalSession } from './terminal-session';

const RECONNECT_DELAY_MS = 700;

export interface TerminalPaneProps {
  podId: string;
  window: string;
  label: string;
  isShown: boolean;
  /** Grows each time that somebody wants to search. */
  searches: number;
  onNew: () => void;
  onEnded: () => void;
}

export function TerminalPane({ podId, window: windowName, label, isShown, searches, onNew, onEnded }: TerminalPaneProps) {
  const t = useText();
  const look = useTerminalLook();
  const copiesOnSelect = useWorld(({ settings }) => settings.terminalCopiesOnSelect);
  const [attemptNumber, setAttemptNumber] = useState(0);
  const [state, setState] = useState<ViewState>({ kind: 'connecting' });
  const [history, setHistory] = useState<{ text: string; isSearching: boolean }>();
  const [question, setQuestion] = useState<TerminalQuestion>();
  const screen = useRef<HTMLDivElement>(null);
  const session = useRef<TerminalSession>(null);
  const isGone = state.kind === 'closed';

  const openHistory = async (isSearching: boolean): Promise<void> => {
    const found = await call('terminal.history', { pod: podId, window: windowName }).catch(() => undefined); // on its way: there will be another turn of the wheel
    if (found && (isSearching || !found.isAlternateScreen)) setHistory({ text: found.text, isSearching });
  };
  const askLink = (url: string): void => void attempt('app.open-link', { url }); // which shows where it leads, and asks
  const onSelect = (text: string): void => {
    if (copiesOnSelect && text !== '') navigator.clipboard.writeText(text).catch(() => {}); // another window came in between
  };
  const paste = (text: string): void => {
    const { terminal } = session.current ?? {};
    if (!terminal || text === '') return;
    if (!mayRun(text)) terminal.paste(text);
    else setQuestion({ kind: 'paste', text, paste: (agreed) => terminal.paste(agreed) });
  };
  const onKey = (event: KeyboardEvent): boolean => {
    if (event.type !== 'keydown') return false;
    const isOurs = event.ctrlKey && event.shiftKey && !event.altKey;
    const key = event.key.toLowerCase();
    const acts: Record<string, () => void> = {
      c: () => void navigator.clipboard.writeText(session.current?.terminal.getSelection() ?? ''),
      v: () => void navigator.clipboard.readText().then(paste, () => {}),
      f: () => void openHistory(true),
      t: onNew,
      p: () => run('app.palette'),
    };
    const act = isOurs ? acts[key] : event.shiftKey && key === 'pageup' ? (): void => void openHistory(false) : isRelease(event) ? (): void => session.current?.terminal.blur() : undefined;
    if (!act) return false;
    event.preventDefault();
    event.stopPropagation();
    act();
    return true;
  };
  const handlers = useRef({ openHistory, askLink, onSelect, paste, onKey });
  handlers.current = { openHistory, askLink, onSelect, paste, onKey };

  useEffect(() => {
    const target = screen.current;
    if (!target) return;
    let timer = 0;
    setState({ kind: 'connecting' });
    const opened = new TerminalSession({ pod: podId, window: windowName }, target, look, {
      onState: setState,
      onLost: () => (timer = window.setTimeout(() => setAttemptNumber((number) => number + 1), RECONNECT_DELAY_MS)),
      onLink: (url) => handlers.current.askLink(url),
      onKey: (event) => handlers.current.onKey(event),
      onScrollBack: () => void handlers.current.openHistory(false),
      onSelect: (text) => handlers.current.onSelect(text),
    });
    session.current = opened;
    const onPaste = (event: ClipboardEvent): void => {
      event.preventDefault();
      event.stopPropagation();
      handlers.current.paste(event.clipboardData?.getData('text/plain') ?? '');
    };
    target.addEventListener('paste', onPaste, { capture: true });
    const observer = new ResizeObserver(() => opened.fit());
    observer.observe(target);
    return () => {
      window.clearTimeout(timer);
      observer.disconnect();
      target.removeEventListener('paste', onPaste, { capture: true });
      session.current = null;
      opened.dispose();
    };
    // `look` is applied below without a new terminal.
  }, [podId, windowName, attemptNumber]);
  useEffect(() => session.current?.apply(look), [look]);
  useEffect(() => {
    if (!isShown || history) return;
    session.current?.fit();
    session.current?.focus();
  }, [isShown, history, state.kind]);
  const lastSearches = useRef(searches);
  useEffect(() => {
    if (isShown && searches !== lastSearches.current) void handlers.current.openHistory(true);
    lastSearches.current = searches;
  }, [isShown, searches]);
  useEffect(() => {
    if (state.kind === 'closed' && state.reason === 'ended') onEnded();
  }, [state]);

  return (
    <div className="terminal-pane" hidden={!isShown}>
      <div ref={screen} className="terminal-screen" data-takes-keys data-state={state.kind} data-host={state.kind === 'open' ? state.host : undefined} aria-label={t('terminal.screen', { name: label })} role="group" hidden={isGone} />
      {isGone ? <Gone state={state} what="terminal" onAgain={() => setAttemptNumber((number) => number + 1)} /> : <Veil state={state} />}
      {history && !isGone && (
        <HistoryPane
          text={history.text}
          look={look}
          isSearching={history.isSearching}
          onSearch={() => setHistory({ ...history, isSearching: true })}
          onLink={askLink}
          onSelect={onSelect}
          onClose={() => setHistory(undefined)}
        />
      )}
      {question && <QuestionSheet question={question} onClose={() => setQuestion(undefined)} />}
    </div>
  );
}
