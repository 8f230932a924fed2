/** A POD among others. */
import { EllipsisVertical, GripVertical } from 'lucide-react';
import { memo, useRef } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { openMenuAt } from '../commands/context-menu';
import { useText } from '../i18n/text';
import { MoveProgress } from '../move/move-progress';
import { useWorld } from '../state/selectors';
import { PodBadge } from '../ui/badge';
import { IconButton } from '../ui/button';
import { useNear } from '../ui/near';
import { LiveFigures } from './live-figures';
import { Since, StateNote } from './state-note';
import { Thumbnail } from './thumbnail';

/** Cards far off the screen keep their place and their name, and nothing else. */
export const PodCard = memo(function PodCard({ id, name, isDraggable = false }: { id: string; name: string; isDraggable?: boolean }) {
  const t = useText();
  const frame = useRef<HTMLDivElement>(null);
  const isNear = useNear(frame);
  const isTall = useWorld(({ pods }) => pods[id]?.hasDisplay ?? false);
  return (
    <div ref={frame} className={`card-frame ${isTall ? 'card-tall' : 'card-short'}`}>
      {isDraggable && (
        <AriaButton slot="drag" className="card-grip" aria-label={t('move.grip', { pod: name })}>
          {isNear && <GripVertical size={12} aria-hidden />}
        </AriaButton>
      )}
      {isNear ? <CardContent id={id} /> : <span className="card-far card-name strong truncate">{name}</span>}
    </div>
  );
});

function CardContent({ id }: { id: string }) {
  const pod = useWorld(({ pods }) => pods[id]);
  const task = useWorld(({ tasks }) => (pod?.task === undefined ? undefined : tasks[pod.task]));
  if (!pod) return null;
  return (
    <>
      {pod.hasDisplay && <Thumbnail id={id} name={pod.name} isLive={pod.state.kind === 'running' && !pod.isStale} />}
      <div className="card-body">
        <div className="row card-head">
          <span className="card-name strong truncate grow">{pod.name}</span>
          <PodBadge pod={pod} />
          <CardMenu id={id} name={pod.name} />
        </div>
        {task ? (
          <MoveProgress task={task} />
        ) : (
          <>
            <p className="card-meta quiet small truncate">
              {pod.environment.name}
              <Since state={pod.state} />
              {` · ${pod.owner}`}
            </p>
            {pod.state.kind === 'running' ? !pod.isStale && <LiveFigures pod={id} /> : <StateNote pod={pod} />}
            {pod.address !== undefined && <p className="card-address mono quiet truncate selectable">{pod.address}</p>}
          </>
        )}
      </div>
    </>
  );
}

/** Apart, because a POD's figures change often and its name does not. */
const CardMenu = memo(function CardMenu({ id, name }: { id: string; name: string }) {
  const t = useText();
  return <IconButton icon={EllipsisVertical} label={t('common.actions-of', { name })} isSmall onPress={({ target }) => openMenuAt({ pods: [id] }, target)} />;
});

/** Where a POD will be: on the column that it goes to, while it goes. */
export function GhostCard({ id }: { id: string }) {
  const t = useText();
  const pod = useWorld(({ pods }) => pods[id]);
  const task = useWorld(({ tasks }) => (pod?.task === undefined ? undefined : tasks[pod.task]));
  if (!pod) return null;
  return (
    <div className="card ghost" role="note" aria-label={t('move.arriving', { pod: pod.name, host: pod.host })}>
      <div className="card-body">
        <div className="row">
          <span className="strong truncate grow">{pod.name}</span>
          <span className="quiet small truncate">{t('move.from', { host: pod.host })}</span>
        </div>
        {task && <MoveProgress task={task} isGhost />}
      </div>
    </div>
  );
}
