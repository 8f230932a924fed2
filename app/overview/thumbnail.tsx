/** The last picture of a POD's screen; what cannot be live any more is greyed. */
import { Monitor, SquareTerminal } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { PodView } from '../../main/contract';
import { useText } from '../i18n/text';
import { useWorld } from '../state/selectors';
import { subscribeThumbnail, thumbnailOf, watchThumbnail } from '../state/thumbnails';

export function Thumbnail({ pod }: { pod: PodView }) {
  const t = useText();
  const isWanted = useWorld(({ settings }) => settings.hasThumbnails) && pod.hasDisplay;
  const isLive = pod.state.kind === 'running' && !pod.isStale;
  const image = useRef<HTMLImageElement>(null);
  const [hasPicture, setHasPicture] = useState(() => thumbnailOf(pod.id) !== undefined);
  useEffect(() => {
    if (!isWanted) return undefined;
    const show = (): void => {
      const url = thumbnailOf(pod.id);
      setHasPicture(url !== undefined);
      if (url !== undefined && image.current) image.current.src = url;
    };
    show();
    return subscribeThumbnail(pod.id, show);
  }, [pod.id, isWanted, hasPicture]);
  useEffect(() => (isWanted && isLive ? watchThumbnail(pod.id) : undefined), [pod.id, isWanted, isLive]);
  const Icon = pod.hasDisplay ? Monitor : SquareTerminal;
  return (
    <div className={`thumb${isLive ? '' : ' thumb-stale'}`}>
      {isWanted && hasPicture ? <img ref={image} alt={t('pod.screen-of', { pod: pod.name })} draggable={false} /> : <Icon size={26} strokeWidth={1.5} aria-hidden />}
    </div>
  );
}
