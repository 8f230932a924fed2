/** States in words and shape, never in colour alone. */
import { CircleAlert, CircleCheck, CircleDashed, CircleHelp, CirclePause, CirclePlay, CircleStop, Info, Loader, MoveRight, TriangleAlert, Unplug, type LucideIcon } from 'lucide-react';
import type { Host, PodView } from '../../main/contract';
import { useText } from '../i18n/text';
import type { MessageId } from '../i18n/catalog';

type Tone = 'good' | 'warn' | 'bad' | 'info' | 'quiet';

interface State {
  tone: Tone;
  icon: LucideIcon;
  label: MessageId;
}

export function Badge({ tone, icon: Icon, children, isSpinning = false }: { tone: Tone; icon?: LucideIcon; children: string; isSpinning?: boolean }) {
  return (
    <span className={`badge badge-${tone}`}>
      {Icon && <Icon size={12} strokeWidth={2.25} aria-hidden className={isSpinning ? 'spin' : ''} />}
      {children}
    </span>
  );
}

export function StateBadge({ label, ...shape }: State & { isSpinning?: boolean }) {
  const t = useText();
  return <Badge {...shape}>{t(label)}</Badge>;
}

export const podStates: Record<PodView['state']['kind'], State> = {
  running: { tone: 'good', icon: CirclePlay, label: 'pod.state.running' },
  exited: { tone: 'quiet', icon: CircleStop, label: 'pod.state.exited' },
  suspended: { tone: 'info', icon: CirclePause, label: 'pod.state.suspended' },
  moving: { tone: 'info', icon: MoveRight, label: 'pod.state.moving' },
  lost: { tone: 'bad', icon: CircleAlert, label: 'pod.state.lost' },
  'in-doubt': { tone: 'bad', icon: CircleHelp, label: 'pod.state.in-doubt' },
};

const stale: State = { tone: 'quiet', icon: Unplug, label: 'pod.state.stale' };

/** The same object for the same state. */
export function badgeOf(pod: PodView): State {
  return pod.isStale ? stale : podStates[pod.state.kind];
}

export function PodBadge({ pod }: { pod: PodView }) {
  return <StateBadge {...badgeOf(pod)} />;
}

export const hostStates: Record<Host['connection']['kind'], State> = {
  idle: { tone: 'quiet', icon: CircleDashed, label: 'host.state.idle' },
  connecting: { tone: 'info', icon: Loader, label: 'host.state.connecting' },
  ready: { tone: 'good', icon: CircleCheck, label: 'host.state.ready' },
  failed: { tone: 'bad', icon: CircleAlert, label: 'host.state.failed' },
};

export function HostBadge({ host }: { host: Host }) {
  const { kind } = host.connection;
  return <StateBadge {...hostStates[kind]} isSpinning={kind === 'connecting'} />;
}

/** The same by shape and colour, where there is no room for words; the name is told to screen readers. */
export function HostDot({ host }: { host: Host }) {
  const t = useText();
  const { tone, icon: Icon, label } = hostStates[host.connection.kind];
  return <Icon size={13} className={`tone-${tone}${host.connection.kind === 'connecting' ? ' spin' : ''}`} role="img" aria-label={t(label)} />;
}

export const severities: Record<'blocker' | 'warning' | 'note', State> = {
  blocker: { tone: 'bad', icon: CircleAlert, label: 'finding.blocker' },
  warning: { tone: 'warn', icon: TriangleAlert, label: 'finding.warning' },
  note: { tone: 'info', icon: Info, label: 'finding.note' },
};
