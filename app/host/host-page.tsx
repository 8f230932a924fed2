/** A host: what it is, how healthy, what is on it. */
import { Box, EllipsisVertical, HeartPulse, Package, Plug, Plus, SearchX, Stethoscope } from 'lucide-react';
import { useEffect } from 'react';
import type { Host } from '../../main/contract';
import { call } from '../bridge/zap';
import { openMenuAt } from '../commands/context-menu';
import { run } from '../commands/run';
import { useText } from '../i18n/text';
import { navigate, type HostTab } from '../state/navigation';
import { hostSamples } from '../state/samples';
import { useWorld } from '../state/selectors';
import { HostBadge } from '../ui/badge';
import { Button, IconButton } from '../ui/button';
import { Empty } from '../ui/empty';
import { hostLabel } from '../ui/host-label';
import { Tabs } from '../ui/tabs';
import { ConnectionView } from './connection-view';
import { HostEnvironments } from './host-environments';
import { HostHealth } from './host-health';
import { HostPods } from './host-pods';

export function HostPage({ name, tab }: { name: string; tab: HostTab }) {
  const t = useText();
  const host = useWorld(({ hosts }) => hosts[name]);
  const isLoaded = useWorld((state) => state.isLoaded);
  useEffect(() => {
    call('host.samples', { host: name }).then(
      ({ samples }) => hostSamples.fill(name, samples),
      () => {}, // a chart that begins now
    );
  }, [name]);
  if (!host) {
    return isLoaded ? (
      <Empty
        icon={SearchX}
        title={t('host.gone', { host: name })}
        actions={<Button onPress={() => navigate({ page: 'overview' })}>{t('common.to-overview')}</Button>}
      >
        {t('host.gone-text')}
      </Empty>
    ) : null;
  }
  return (
    <div className="page">
      <Head host={host} />
      {host.connection.kind !== 'ready' && <ConnectionView host={host} />}
      <Tabs<HostTab>
        label={host.name}
        selected={tab}
        onSelect={(next) => navigate({ page: 'host', host: name, tab: next }, { replaces: true })}
        items={[
          { id: 'pods', label: t('host.tab.pods'), icon: Box, content: () => <HostPods host={host} /> },
          { id: 'health', label: t('host.tab.health'), icon: HeartPulse, content: () => <HostHealth host={host} /> },
          { id: 'environments', label: t('host.tab.environments'), icon: Package, content: () => <HostEnvironments host={host} /> },
        ]}
      />
    </div>
  );
}

function Head({ host }: { host: Host }) {
  const t = useText();
  const context = { pods: [], host };
  return (
    <header className="toolbar">
      <div className="stack grow" style={{ gap: 2 }}>
        <div className="row">
          <h1 className="page-title truncate">{hostLabel(host.name, t)}</h1>
          <HostBadge host={host} />
        </div>
        <p className="quiet small mono truncate selectable">{describeWay(host, t)}</p>
      </div>
      {(host.connection.kind === 'idle' || host.connection.kind === 'failed') && (
        <Button icon={Plug} onPress={() => run('host.connect', context)}>
          {t('command.host.connect')}
        </Button>
      )}
      <Button icon={Stethoscope} onPress={() => run('host.doctor', context)}>
        {t('command.host.doctor')}
      </Button>
      <Button kind="primary" icon={Plus} onPress={() => run('pod.create', context)}>
        {t('overview.new-pod')}
      </Button>
      <IconButton icon={EllipsisVertical} label={t('common.actions-of', { name: host.name })} onPress={({ target }) => openMenuAt({ host: host.name }, target)} />
    </header>
  );
}

function describeWay({ isLocal, address, jumps }: Host, t: ReturnType<typeof useText>): string {
  if (isLocal || address === undefined) return t('host.this-computer');
  return jumps.length > 0 ? t('host.through', { address, jumps: jumps.join(', ') }) : address;
}
