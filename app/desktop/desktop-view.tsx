/** A POD's desktop: the picture, what is known of it, and the ways in and out of it. */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Settings } from '../../main/contract';
import { attempt } from '../commands/operate';
import { run } from '../commands/run';
import { useText } from '../i18n/text';
import { useWorld } from '../state/selectors';
import { Gone, Veil } from '../streams/veil';
import type { ViewState } from '../streams/view-state';
import { DesktopBar } from './desktop-bar';
import { DesktopSession } from './desktop-session';
import { isRelease, releaseKeys } from './release';
import { useFullscreen } from './use-fullscreen';
import '../streams/screen.css';
import './desktop.css';

/** Services that were started anew need a moment. */
const RECONNECT_DELAY_MS = 700;

export function DesktopView({ podId }: { podId: string }) {
  const t = useText();
  const name = useWorld(({ pods }) => pods[podId]?.name ?? podId);
  const isScaled = useWorld(({ settings }) => settings.desktopScale === 'fit');
  const sharesClipboard = useWorld(({ settings }) => settings.desktopClipboard);
  const [isViewOnly, setViewOnly] = useState(false);
  const [attemptNumber, setAttemptNumber] = useState(0);
  const [state, setState] = useState<ViewState>({ kind: 'connecting' });
  const [isGrabbed, setGrabbed] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const screen = useRef<HTMLDivElement>(null);
  const session = useRef<DesktopSession>(null);
  const options = { isViewOnly, isScaled, sharesClipboard };
  const latestOptions = useRef(options);
  latestOptions.current = options;
  const { isFull, toggle: toggleFullscreen, leave } = useFullscreen(frame);
  const isGone = state.kind === 'closed';

  useEffect(() => {
    const target = screen.current;
    if (!target) return;
    let timer = 0;
    setState({ kind: 'connecting' });
    const again = (): void => setAttemptNumber((number) => number + 1);
    const opened = new DesktopSession(podId, target, latestOptions.current, { onState: setState, onLost: () => (timer = window.setTimeout(again, RECONNECT_DELAY_MS)) });
    session.current = opened;
    return () => {
      window.clearTimeout(timer);
      session.current = null;
      opened.dispose();
      target.replaceChildren();
    };
  }, [podId, attemptNumber]);
  useEffect(() => session.current?.apply({ isViewOnly, isScaled, sharesClipboard }), [isViewOnly, isScaled, sharesClipboard]);
  useEffect(() => {
    if (state.kind === 'open') session.current?.focus();
  }, [state.kind]);

  const release = useCallback(() => {
    session.current?.release();
    leave();
    frame.current?.querySelector<HTMLElement>('.desktop-bar button')?.focus();
  }, [leave]);
  // Before noVNC, which takes every key for the POD.
  const onKeyDownCapture = (event: KeyboardEvent): void => {
    const wantsPalette = (event.ctrlKey || event.metaKey) && event.shiftKey && event.key.toLowerCase() === 'p';
    if (!wantsPalette && !isRelease(event)) return;
    event.preventDefault();
    event.stopPropagation();
    release();
    if (wantsPalette) run('app.palette');
  };
  const change = (patch: Partial<Settings>): void => void attempt('settings.change', patch);

  return (
    <div ref={frame} className="desktop" data-full={isFull}>
      <DesktopBar
        isFull={isFull}
        isScaled={isScaled}
        isViewOnly={isViewOnly}
        sharesClipboard={sharesClipboard}
        isOpen={state.kind === 'open'}
        onFullscreen={() => {
          toggleFullscreen();
          session.current?.focus();
        }}
        onScale={() => change({ desktopScale: isScaled ? 'actual' : 'fit' })}
        onViewOnly={() => setViewOnly(!isViewOnly)}
        onClipboard={() => change({ desktopClipboard: !sharesClipboard })}
        onCtrlAltDel={() => {
          session.current?.sendCtrlAltDel();
          session.current?.focus();
        }}
      />
      <div className="desktop-stage">
        <div
          ref={screen}
          className="desktop-screen"
          data-takes-keys
          data-state={state.kind}
          data-host={state.kind === 'open' ? state.host : undefined}
          data-scaled={isScaled}
          role="application"
          aria-label={t('desktop.screen', { pod: name })}
          hidden={isGone}
          onKeyDownCapture={onKeyDownCapture}
          onFocus={() => setGrabbed(true)}
          onBlur={() => setGrabbed(false)}
        />
        {isGone ? <Gone state={state} what="desktop" onAgain={() => setAttemptNumber((number) => number + 1)} /> : <Veil state={state} />}
        {isGrabbed && !isGone && (
          <p className="desktop-grab" role="status">
            <strong>{isViewOnly ? t('desktop.watching') : t('desktop.grabbed', { pod: name })}</strong>
            {t('desktop.release', { keys: releaseKeys })}
          </p>
        )}
      </div>
    </div>
  );
}
