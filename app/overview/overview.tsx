/** All hosts and PODs at a glance. */
import { Box, Columns3, List, Plus, SearchX, Server } from 'lucide-react';
import { useEffect, type MouseEvent } from 'react';
import type { PodView } from '../../main/contract';
import { openMenu } from '../commands/context-menu';
import { run } from '../commands/run';
import { attempt } from '../commands/operate';
import { useLanguage, useText } from '../i18n/text';
import { planLine } from '../move/describe';
import { announce, desk, select, useDesk, type Desk } from '../state/desk';
import { selectHostNames, useWorld } from '../state/selectors';
import { podStates } from '../ui/badge';
import { Button } from '../ui/button';
import { Empty } from '../ui/empty';
import { SearchField, Segments, Select } from '../ui/field';
import { FirstRun } from './first-run';
import { HostColumn } from './host-column';
import { PodList } from './pod-list';

export function Overview() {
  const t = useText();
  const layout = useWorld(({ settings }) => settings.overview);
  const names = useWorld(selectHostNames);
  const hasPods = useWorld(({ pods }) => Object.keys(pods).length > 0);
  const isFirstRun = useWorld(({ hosts, pods }) => Object.values(hosts).every(({ isLocal }) => isLocal) && Object.keys(pods).length === 0);
  useCarryAnnouncement();
  if (isFirstRun) return <FirstRun />;
  return (
    <div className="page" onContextMenu={onContextMenu}>
      <Toolbar layout={layout} />
      {layout === 'columns' ? (
        <div className="columns">
          {names.map((name) => (
            <HostColumn key={name} name={name} />
          ))}
        </div>
      ) : hasPods ? (
        <PodList />
      ) : (
        <Empty
          icon={Box}
          title={t('overview.no-pods')}
          actions={
            <Button kind="primary" icon={Plus} onPress={() => run('pod.create')}>
              {t('command.pod.create')}
            </Button>
          }
        >
          {t('overview.no-pods-text')}
        </Empty>
      )}
      <SelectionBar />
    </div>
  );
}

/** Cards and rows carry their POD's id; a click outside of the selection is about what was clicked. */
function onContextMenu(event: MouseEvent): void {
  const target = event.target instanceof Element ? event.target : null;
  const id = target?.closest('[data-key]')?.getAttribute('data-key');
  const host = target?.closest('[data-host]')?.getAttribute('data-host');
  if (!id && !host) return;
  event.preventDefault();
  // The menu key says no place of its own.
  const box = target!.getBoundingClientRect();
  const at = event.clientX === 0 && event.clientY === 0 ? { x: box.left + 16, y: box.top + 16 } : { x: event.clientX, y: event.clientY };
  if (!id) return openMenu({ host: host! }, at);
  const { selected } = desk.getState();
  if (!selected.has(id)) select([id]);
  openMenu({ pods: selected.has(id) ? [...selected] : [id] }, at);
}

function Toolbar({ layout }: { layout: 'columns' | 'list' }) {
  const t = useText();
  const search = useDesk((state) => state.search);
  const filter = useDesk((state) => state.filter);
  const counts = useWorld(({ pods }) => Object.keys(pods).length);
  const kinds = Object.keys(podStates) as PodView['state']['kind'][];
  return (
    <header className="toolbar">
      <h1 className="page-title">{t('command.app.overview')}</h1>
      <span className="count figures">{counts}</span>
      <span className="grow" />
      <SearchField label={t('overview.search')} clearLabel={t('common.clear')} value={search} onChange={(value) => desk.setState({ search: value })} />
      <Select<Desk['filter']>
        label={t('overview.filter')}
        isLabelHidden
        value={filter}
        onChange={(value) => desk.setState({ filter: value })}
        options={[{ value: 'all', label: t('overview.all-states') }, ...kinds.map((value) => ({ value, label: t(podStates[value].label) }))]}
      />
      <LayoutSwitch layout={layout} />
      <Button icon={Server} onPress={() => run('host.add')}>
        {t('overview.add-host')}
      </Button>
      <Button kind="primary" icon={Plus} onPress={() => run('pod.create')}>
        {t('overview.new-pod')}
      </Button>
    </header>
  );
}

function LayoutSwitch({ layout }: { layout: 'columns' | 'list' }) {
  const t = useText();
  return (
    <div className="icon-segments">
      <Segments
        label={t('overview.layout')}
        isLabelHidden
        value={layout}
        onChange={(overview) => void attempt('settings.change', { overview })}
        options={[
          { value: 'columns', label: t('command.app.columns'), icon: Columns3 },
          { value: 'list', label: t('command.app.list'), icon: List },
        ]}
      />
    </div>
  );
}

function SelectionBar() {
  const t = useText();
  const selected = useDesk((state) => state.selected);
  if (selected.size < 2) return null;
  return (
    <div className="selection-bar" role="toolbar" aria-label={t('overview.selected', { count: selected.size })}>
      <span className="strong">{t('overview.selected', { count: selected.size })}</span>
      {(['pod.move', 'pod.suspend', 'pod.delete'] as const).map((id) => (
        <Button key={id} isSmall kind={id === 'pod.delete' ? 'danger' : 'plain'} onPress={() => run(id)}>
          {t(`command.${id}`)}
        </Button>
      ))}
      <Button isSmall kind="ghost" icon={SearchX} onPress={() => select([])}>
        {t('overview.unselect')}
      </Button>
    </div>
  );
}

/** What sighted people see on the columns when they pick up a card. */
function useCarryAnnouncement(): void {
  const language = useLanguage();
  const carry = useDesk((state) => state.carry);
  useEffect(() => {
    if (!carry || Object.keys(carry.plans).length === 0) return;
    const lines = Object.values(carry.plans)
      .filter(({ verdict }) => verdict !== 'same')
      .slice(0, 8)
      .map((plan) => `${plan.to}: ${planLine(plan, language)}`);
    announce(lines.join('. '));
  }, [carry, language]);
}
