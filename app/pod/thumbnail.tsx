/** The last picture of a POD's screen; what cannot be live any more is greyed. */
import { Monitor } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';
import { useText } from '../i18n/text';
import { useWorld } from '../state/selectors';
import { subscribeThumbnail, thumbnailOf, watchThumbnail } from '../state/thumbnails';

export const Thumbnail = memo(function Thumbnail({ id, name, isLive }: { id: string; name: string; isLive: boolean }) {
  const t = useText();
  const isWanted = useWorld(({ settings }) => settings.hasThumbnails);
  const image = useRef<HTMLImageElement>(null);
  const [hasPicture, setHasPicture] = useState(() => thumbnailOf(id) !== undefined);
  useEffect(() => {
    if (!isWanted) return undefined;
    const show = (): void => {
      const url = thumbnailOf(id);
      setHasPicture(url !== undefined);
      if (url !== undefined && image.current) image.current.src = url;
    };
    show();
    return subscribeThumbnail(id, show);
  }, [id, isWanted, hasPicture]);
  useEffect(() => (isWanted && isLive ? watchThumbnail(id) : undefined), [id, isWanted, isLive]);
  return (
    <div className={`thumb${isLive ? '' : ' thumb-stale'}`}>
      {isWanted && hasPicture ? <img ref={image} alt={t('pod.screen-of', { pod: name })} draggable={false} /> : <Monitor size={26} strokeWidth={1.5} aria-hidden />}
    </div>
  );
});
