/** A POD: its desktop, its terminals, everything else about it. */
import { ArrowRightLeft, EllipsisVertical, History, Info, MonitorPlay, Pause, Play, SearchX, SquareTerminal } from 'lucide-react';
import { lazy, Suspense, useEffect, useRef } from 'react';
import type { PodView } from '../../main/contract';
import { call } from '../bridge/zap';
import { openMenuAt } from '../commands/context-menu';
import { applies, run } from '../commands/run';
import { useText } from '../i18n/text';
import { MoveProgress } from '../move/move-progress';
import { navigate, type PodTab } from '../state/navigation';
import { podSamples } from '../state/samples';
import { useWorld } from '../state/selectors';
import { PodBadge } from '../ui/badge';
import { Button, IconButton } from '../ui/button';
import { Empty } from '../ui/empty';
import { Tabs } from '../ui/tabs';
import { PodDetailsTab } from './pod-details';
import { PodHistory } from './pod-history';

const DesktopView = lazy(async () => ({ default: (await import('../desktop/desktop-view')).DesktopView }));
const TerminalTabs = lazy(async () => ({ default: (await import('../terminal/terminal-view')).TerminalTabs }));

export function PodPage({ id, tab }: { id: string; tab: PodTab | undefined }) {
  const t = useText();
  const pod = useWorld(({ pods }) => pods[id]);
  const isLoaded = useWorld((state) => state.isLoaded);
  const lastName = useRef(id);
  if (pod) lastName.current = pod.name;
  useEffect(() => {
    call('pod.samples', { pod: id }).then(
      ({ samples }) => podSamples.fill(id, samples),
      () => {}, // a chart that begins now
    );
  }, [id]);
  if (!pod) {
    return isLoaded ? (
      <Empty
        icon={SearchX}
        title={t('pod.gone', { pod: lastName.current })}
        actions={
          <Button kind="primary" onPress={() => navigate({ page: 'overview' })}>
            {t('common.to-overview')}
          </Button>
        }
      >
        {t('pod.gone-text')}
      </Empty>
    ) : null;
  }
  const selected = tab === undefined || (tab === 'desktop' && !pod.hasDisplay) ? (pod.hasDisplay ? 'desktop' : 'terminal') : tab;
  return (
    <div className="page">
      <Head pod={pod} />
      <Tabs<PodTab>
        label={pod.name}
        selected={selected}
        onSelect={(next) => navigate({ page: 'pod', pod: id, tab: next }, { replaces: true })}
        items={[
          ...(pod.hasDisplay
            ? [
                {
                  id: 'desktop' as const,
                  label: t('pod.tab.desktop'),
                  icon: MonitorPlay,
                  content: () => (
                    <Suspense>
                      <DesktopView key={id} podId={id} />
                    </Suspense>
                  ),
                },
              ]
            : []),
          {
            id: 'terminal',
            label: t('pod.tab.terminal'),
            icon: SquareTerminal,
            content: () => (
              <Suspense>
                <TerminalTabs key={id} podId={id} />
              </Suspense>
            ),
          },
          { id: 'details', label: t('pod.tab.details'), icon: Info, content: () => <PodDetailsTab pod={pod} /> },
          { id: 'history', label: t('pod.tab.history'), icon: History, content: () => <PodHistory pod={pod} /> },
        ]}
      />
    </div>
  );
}

function Head({ pod }: { pod: PodView }) {
  const t = useText();
  const task = useWorld(({ tasks }) => (pod.task === undefined ? undefined : tasks[pod.task]));
  const context = { pods: [pod] };
  return (
    <header className="toolbar">
      <div className="stack" style={{ gap: 2 }}>
        <div className="row">
          <h1 className="page-title truncate">{pod.name}</h1>
          <PodBadge pod={pod} />
        </div>
        <p className="quiet small truncate">
          <a href={`#/host/${encodeURIComponent(pod.host)}`}>{pod.host}</a>
          {` · ${pod.environment.name}`}
          {pod.address !== undefined && <span className="mono selectable">{` · ${pod.address}`}</span>}
        </p>
      </div>
      <div className="grow">{task && <div className="head-progress">{<MoveProgress task={task} />}</div>}</div>
      {!task && applies('pod.suspend', context) && (
        <Button icon={Pause} onPress={() => run('pod.suspend', context)}>
          {t('command.pod.suspend')}
        </Button>
      )}
      {!task && applies('pod.resume', context) && (
        <Button icon={Play} kind="primary" onPress={() => run('pod.resume', context)}>
          {t('command.pod.resume')}
        </Button>
      )}
      {!task && applies('pod.recover-here', context) && (
        <Button icon={Play} onPress={() => run('pod.recover-here', context)}>
          {t('command.pod.recover-here')}
        </Button>
      )}
      {!task && applies('pod.move', context) && (
        <Button icon={ArrowRightLeft} kind={pod.state.kind === 'running' ? 'primary' : 'plain'} onPress={() => run('pod.move', context)}>
          {t('command.pod.move')}
        </Button>
      )}
      <IconButton icon={EllipsisVertical} label={t('common.actions-of', { name: pod.name })} onPress={({ target }) => openMenuAt({ pods: [pod.id] }, target)} />
    </header>
  );
}
