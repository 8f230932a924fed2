/** The PODs of one host. */
import { Box, Plus } from 'lucide-react';
import { GridList, GridListItem } from 'react-aria-components';
import type { Host } from '../../main/contract';
import { openMenu } from '../commands/context-menu';
import { run } from '../commands/run';
import { useText } from '../i18n/text';
import { PodCard } from '../pod/pod-card';
import { navigate } from '../state/navigation';
import { selectPodsByHost, useWorld, type PodItem } from '../state/selectors';
import { Button } from '../ui/button';
import { Empty } from '../ui/empty';

const none: readonly PodItem[] = [];

export function HostPods({ host }: { host: Host }) {
  const t = useText();
  const items = useWorld((state) => selectPodsByHost(state)[host.name] ?? none);
  if (items.length === 0) {
    return (
      <Empty
        icon={Box}
        title={t('overview.empty-host')}
        actions={
          <Button kind="primary" icon={Plus} onPress={() => run('pod.create', { pods: [], host })}>
            {t('command.pod.create')}
          </Button>
        }
      >
        {t('overview.no-pods-text')}
      </Empty>
    );
  }
  return (
    <div
      className="host-pods"
      onContextMenu={(event) => {
        const id = event.target instanceof Element ? event.target.closest('[data-key]')?.getAttribute('data-key') : null;
        if (!id) return;
        event.preventDefault();
        openMenu({ pods: [id] }, { x: event.clientX, y: event.clientY });
      }}
    >
      <GridList className="cards cards-grid" layout="grid" aria-label={t('overview.pods-on', { host: host.name })} items={items} selectionMode="none" onAction={(key) => navigate({ page: 'pod', pod: String(key) })}>
        {({ id, name }) => (
          <GridListItem id={id} textValue={name} className="card">
            <PodCard id={id} name={name} />
          </GridListItem>
        )}
      </GridList>
    </div>
  );
}
