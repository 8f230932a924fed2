/** What lies over a screen that stands still, and what stands in its place once it is gone. */
import { CircleStop, LoaderCircle, Pause, RotateCw, SearchX, TriangleAlert, Unplug } from 'lucide-react';
import { useText } from '../i18n/text';
import type { ViewState } from './view-state';
import { Button } from '../ui/button';
import { Empty } from '../ui/empty';
import './veil.css';

const icons = { moving: LoaderCircle, unreachable: Unplug, suspended: Pause };
const pauses = { moving: 'stream.moving', unreachable: 'stream.unreachable', suspended: 'stream.suspended' } as const;
const ends = {
  desktop: { ended: 'desktop.ended', text: 'desktop.ended-text', failed: 'desktop.failed' },
  terminal: { ended: 'terminal.ended', text: 'terminal.ended-text', failed: 'terminal.failed' },
} as const;

export function Veil({ state }: { state: ViewState }) {
  const t = useText();
  const isOver = state.kind === 'connecting' || state.kind === 'paused';
  const reason = state.kind === 'paused' ? state.reason : undefined;
  const Icon = reason === undefined ? LoaderCircle : icons[reason];
  return (
    <div className="veil" data-shown={isOver} data-reason={reason} aria-live="polite">
      {isOver && (
        <p className="veil-note">
          <Icon size={16} aria-hidden className={Icon === LoaderCircle ? 'veil-turning' : undefined} />
          {t(reason === undefined ? 'stream.connecting' : pauses[reason])}
        </p>
      )}
    </div>
  );
}

export function Gone({ state, what, onAgain }: { state: Extract<ViewState, { kind: 'closed' }>; what: 'desktop' | 'terminal'; onAgain: () => void }) {
  const t = useText();
  const again = (
    <Button icon={RotateCw} kind="primary" onPress={onAgain}>
      {t('stream.again')}
    </Button>
  );
  if (state.reason === 'deleted') return <Empty icon={SearchX} title={t('stream.deleted')} />;
  if (state.reason === 'ended') {
    return (
      <Empty icon={CircleStop} title={t(ends[what].ended)} actions={again}>
        {t(ends[what].text)}
      </Empty>
    );
  }
  return (
    <Empty icon={TriangleAlert} title={t(ends[what].failed)} actions={again}>
      {[state.error?.message, state.error?.hint].filter((part) => part !== undefined).join(' ')}
    </Empty>
  );
}
