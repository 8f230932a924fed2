/** Plans and whereabouts in words. */
import type { Plan, Whereabouts } from '../../main/contract';
import type { Language } from '../i18n/text';

/** Undefined while nobody has measured the POD. */
export function bytesOf({ predictedBytes, predictedSentBytes }: Plan): number | undefined {
  return predictedSentBytes ?? (predictedBytes ? predictedBytes.memory + predictedBytes.layer + predictedBytes.environment : undefined);
}

/** One line: "Live, 180 MB, pause about 0.3 s, 1 warning"; what is not known is left out. */
export function planLine(plan: Plan, { t, format }: Language): string {
  if (plan.verdict === 'same') return t('move.same');
  if (plan.verdict === 'unknown') return t('move.unknown');
  const blocker = plan.findings.find(({ severity }) => severity === 'blocker');
  if (blocker) return blocker.message;
  const warnings = plan.findings.filter(({ severity }) => severity === 'warning').length;
  const bytes = bytesOf(plan);
  return [
    plan.mode === 'live' ? t('move.live') : t('move.stored'),
    ...(bytes === undefined ? [t('move.unmeasured')] : [format.bytes(bytes)]),
    ...(plan.mode === 'live' && plan.predictedDowntimeMs !== null ? [t('move.pause', { pause: format.pause(plan.predictedDowntimeMs) })] : []),
    ...(warnings > 0 ? [t('move.warnings', { count: warnings })] : []),
  ].join(', ');
}

/** A failure begins with where the POD is. */
export function whereSentence(where: Whereabouts | undefined, t: Language['t'], from?: string): string {
  if (!where) return t('where.unknown');
  const { host, state } = where;
  switch (state) {
    case 'running':
      return from === undefined || from === host ? t('where.still-running', { host }) : t('where.running', { host });
    case 'suspended':
      return t('where.suspended', { host });
    case 'exited':
      return t('where.exited', { host });
    case 'moving':
      return t('where.moving', { host });
    case 'in-doubt':
      return t('where.in-doubt', { host });
    case 'lost':
      return t('where.lost', { host });
  }
}
