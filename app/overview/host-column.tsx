/** A host with its PODs, and a place to drop others on. */
import { EllipsisVertical, Plug, Plus } from 'lucide-react';
import { memo, useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { GridList, GridListItem } from 'react-aria-components';
import type { Host } from '../../main/contract';
import { openMenuAt } from '../commands/context-menu';
import { run } from '../commands/run';
import { HostLoad } from '../host/host-load';
import { useLanguage, useText } from '../i18n/text';
import { planLine } from '../move/describe';
import { VerdictIcon } from '../move/verdict';
import { GhostCard, PodCard } from '../pod/pod-card';
import { select, useDesk } from '../state/desk';
import { navigate } from '../state/navigation';
import { selectArrivals, selectPodsByHost, useWorld, type PodItem } from '../state/selectors';
import { world } from '../state/world';
import { HostDot } from '../ui/badge';
import { Button, IconButton } from '../ui/button';
import { hostLabel } from '../ui/host-label';
import { isShown } from './filter';
import { useDrag, usePointerDrop } from './pod-drag';
import { useSelectedOf, wholeSelection } from './selection';

const none: readonly PodItem[] = [];
const noArrivals: readonly string[] = [];

/** What changes while a card is carried is here; the cards, which are many, know nothing of it. */
export const HostColumn = memo(function HostColumn({ name }: { name: string }) {
  const language = useLanguage();
  const { t } = language;
  const host = useWorld(({ hosts }) => hosts[name]);
  const items = useShownPods(name);
  const arrivals = useWorld((state) => selectArrivals(state)[name] ?? noArrivals);
  const isCarrying = useDesk(({ carry }) => carry !== undefined);
  const plan = useDesk(({ carry }) => carry?.plans[name]);
  const [isOver, setOver] = useState(false);
  const cards = useRef<HTMLDivElement>(null);
  const dropHandlers = usePointerDrop(name, setOver);
  const verdict = isCarrying ? (plan?.verdict ?? 'unknown') : undefined;
  const label = verdict === undefined ? t('overview.pods-on', { host: name }) : `${hostLabel(name, t)}: ${plan ? planLine(plan, language) : t('move.asking')}`;
  // Not as a property: the list would render all of its cards anew for it.
  useEffect(() => cards.current?.setAttribute('aria-label', label), [label]);
  if (!host) return null;
  return (
    <section className={`column${verdict ? ` verdict-${verdict}` : ''}${isOver ? ' column-over' : ''}`} aria-label={name} data-host={name} {...dropHandlers}>
      <ColumnHead host={host} count={items.length} />
      {verdict !== undefined && (
        <div className="column-verdict" aria-hidden>
          <VerdictIcon verdict={verdict} />
          <span className="small">{plan ? planLine(plan, language) : t('move.asking')}</span>
        </div>
      )}
      <Cards name={name} items={items} element={cards} setOver={setOver} />
      {arrivals.length > 0 && (
        <div className="arrivals">
          {arrivals.map((id) => (
            <GhostCard key={id} id={id} />
          ))}
        </div>
      )}
    </section>
  );
});

interface CardsProps {
  name: string;
  items: readonly PodItem[];
  element: RefObject<HTMLDivElement | null>;
  setOver: (isOver: boolean) => void;
}

const Cards = memo(function Cards({ name, items, element, setOver }: CardsProps) {
  const t = useText();
  const selected = useSelectedOf(items);
  const dragAndDropHooks = useDrag(name, setOver);
  return (
    <GridList
      ref={element}
      className="cards"
      aria-label={t('overview.pods-on', { host: name })}
      items={items}
      dragAndDropHooks={dragAndDropHooks}
      selectionMode="multiple"
      selectionBehavior="replace"
      selectedKeys={selected}
      onSelectionChange={(keys) => select(keys === 'all' ? items.map(({ id }) => id) : wholeSelection(keys, items))}
      onAction={(key) => navigate({ page: 'pod', pod: String(key) })}
      renderEmptyState={() => <ColumnEmpty name={name} />}
    >
      {renderCard}
    </GridList>
  );
});

function renderCard({ id, name }: PodItem) {
  return (
    <GridListItem id={id} textValue={name} className="card">
      <PodCard id={id} name={name} isDraggable />
    </GridListItem>
  );
}

function useShownPods(host: string): readonly PodItem[] {
  const all = useWorld((state) => selectPodsByHost(state)[host] ?? none);
  const search = useDesk((state) => state.search);
  const filter = useDesk((state) => state.filter);
  return useMemo(() => {
    if (search === '' && filter === 'all') return all;
    const { pods } = world.getState();
    return all.filter(({ id }) => pods[id] && isShown(pods[id], { search, filter }));
  }, [all, search, filter]);
}

const ColumnHead = memo(function ColumnHead({ host, count }: { host: Host; count: number }) {
  const t = useText();
  return (
    <header className="column-head">
      <div className="row">
        <HostDot host={host} />
        <a className="column-name strong truncate" href={`#/host/${encodeURIComponent(host.name)}`} draggable={false}>
          {hostLabel(host.name, t)}
        </a>
        <span className="count figures">{count}</span>
        <span className="grow" />
        <IconButton icon={Plus} label={t('overview.create-on', { host: host.name })} isSmall onPress={() => run('pod.create', { pods: [], host })} />
        <IconButton icon={EllipsisVertical} label={t('common.actions-of', { name: host.name })} isSmall onPress={({ target }) => openMenuAt({ host: host.name }, target)} />
      </div>
      <HostLoad host={host} />
    </header>
  );
});

function ColumnEmpty({ name }: { name: string }) {
  const t = useText();
  const host = useWorld(({ hosts }) => hosts[name]);
  const isFiltered = useDesk(({ search, filter }) => search !== '' || filter !== 'all');
  if (!host) return null;
  if (isFiltered) return <p className="column-empty quiet small">{t('overview.no-match')}</p>;
  switch (host.connection.kind) {
    case 'ready':
      return (
        <div className="column-empty stack">
          <p className="quiet small">{t('overview.empty-host')}</p>
          <Button isSmall icon={Plus} onPress={() => run('pod.create', { pods: [], host })}>
            {t('command.pod.create')}
          </Button>
        </div>
      );
    case 'failed':
      return (
        <div className="column-empty stack">
          <p className="small tone-bad">{host.connection.error.message}</p>
          <Button isSmall icon={Plug} onPress={() => run('host.connect', { pods: [], host })}>
            {t('host.retry')}
          </Button>
        </div>
      );
    case 'connecting':
      return <p className="column-empty quiet small">{t('host.state.connecting')}</p>;
    case 'idle':
      return (
        <div className="column-empty stack">
          <p className="quiet small">{t('overview.idle-host')}</p>
          <Button isSmall icon={Plug} onPress={() => run('host.connect', { pods: [], host })}>
            {t('command.host.connect')}
          </Button>
        </div>
      );
  }
}
