/** What there is to say of a POD's state besides its name. */
import type { PodView } from '../../main/contract';
import { useFormat, useLanguage, useText } from '../i18n/text';
import { useNow } from '../state/selectors';

export function Since({ state }: Pick<PodView, 'state'>) {
  const { t, format } = useLanguage();
  const now = useNow(10_000);
  if (state.kind === 'running') return <> · {t('pod.up', { time: format.duration(now - Date.parse(state.since)) })}</>;
  if (state.kind === 'suspended' || state.kind === 'exited') return <> · {format.ago(Date.parse(state.at), now)}</>;
  return null;
}

export function StateNote({ pod }: { pod: PodView }) {
  const t = useText();
  const format = useFormat();
  const { state } = pod;
  switch (state.kind) {
    case 'suspended':
      return <p className="card-note small">{t('pod.note.suspended', { bytes: format.bytes(state.sizeBytes) })}</p>;
    case 'exited':
      return <p className="card-note small">{t('pod.note.exited')}</p>;
    case 'lost':
    case 'in-doubt':
      return <p className="card-note small card-note-bad">{state.reason}</p>;
    case 'moving':
      return <p className="card-note small">{t('pod.note.moving')}</p>;
    case 'running':
      return null;
  }
}
