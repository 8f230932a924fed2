/** Whether a host can take what is carried, by shape and name. */
import { Ban, CircleCheck, CircleHelp, House, TriangleAlert, type LucideIcon } from 'lucide-react';
import type { Plan } from '../../main/contract';
import type { MessageId } from '../i18n/catalog';
import { useText } from '../i18n/text';

const verdicts: Record<Plan['verdict'], { icon: LucideIcon; tone: string; label: MessageId }> = {
  ready: { icon: CircleCheck, tone: 'good', label: 'verdict.ready' },
  warnings: { icon: TriangleAlert, tone: 'warn', label: 'verdict.warnings' },
  impossible: { icon: Ban, tone: 'bad', label: 'verdict.impossible' },
  same: { icon: House, tone: 'quiet', label: 'verdict.same' },
  unknown: { icon: CircleHelp, tone: 'quiet', label: 'verdict.unknown' },
};

export function VerdictIcon({ verdict }: { verdict: Plan['verdict'] }) {
  const t = useText();
  const { icon: Icon, tone, label } = verdicts[verdict];
  return <Icon size={16} className={`tone-${tone}`} role="img" aria-label={t(label)} />;
}
