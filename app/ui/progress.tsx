/** How far something is; without a share it says only that it goes on. */
import { ProgressBar } from 'react-aria-components';

export function Progress({ share, label }: { share: number | undefined; label: string }) {
  return (
    <ProgressBar className="progress" aria-label={label} isIndeterminate={share === undefined} value={(share ?? 0) * 100}>
      <span className={`progress-fill${share === undefined ? ' progress-endless' : ''}`} style={share === undefined ? {} : { inlineSize: `${Math.min(1, share) * 100}%` }} />
    </ProgressBar>
  );
}
