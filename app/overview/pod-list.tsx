/** PODs as a table: for many of them, to compare and to sort. */
import { ArrowDown, ArrowUp, EllipsisVertical } from 'lucide-react';
import { memo, useMemo, useRef, useState } from 'react';
import { Cell, Column, Row, Table, TableBody, TableHeader, TableLayout, Virtualizer, type SortDescriptor } from 'react-aria-components';
import type { PodSample, PodView } from '../../main/contract';
import { openMenuAt } from '../commands/context-menu';
import type { MessageId } from '../i18n/catalog';
import { useLanguage } from '../i18n/text';
import { desk, useDesk } from '../state/desk';
import { LiveText } from '../pod/live-figures';
import { Since } from '../pod/state-note';
import { navigate } from '../state/navigation';
import { podSamples } from '../state/samples';
import { sameList, selectPodsByHost, useWorld, type PodItem } from '../state/selectors';
import { badgeOf, StateBadge } from '../ui/badge';
import { IconButton } from '../ui/button';
import { isShown } from './filter';

const columns = ['name', 'state', 'host', 'environment', 'cpu', 'memory', 'address', 'more'] as const;
type ColumnName = (typeof columns)[number];

const labels: Record<ColumnName, MessageId> = {
  name: 'list.name',
  state: 'list.state',
  host: 'list.host',
  environment: 'list.environment',
  cpu: 'pod.cpu',
  memory: 'pod.memory',
  address: 'list.address',
  more: 'common.actions',
};

const sortValue: Record<ColumnName, (pod: PodView) => string | number> = {
  name: ({ name }) => name,
  state: ({ state }) => state.kind,
  host: ({ host }) => host,
  environment: ({ environment }) => environment.name,
  cpu: ({ id }) => podSamples.last(id)?.cpuShare ?? -1,
  memory: ({ id }) => podSamples.last(id)?.memoryBytes ?? -1,
  address: ({ address }) => address ?? '',
  more: ({ name }) => name,
};

const cpuOf = ({ cpuShare }: PodSample): number => cpuShare;
const memoryOf = ({ memoryBytes }: PodSample): number => memoryBytes;

export function PodList() {
  const [sort, setSort] = useState<SortDescriptor>({ column: 'name', direction: 'ascending' });
  return <PodTable rows={useRows(sort)} sort={sort} onSort={setSort} />;
}

/** The same list as before unless the order changed or a POD came, went or was renamed: what else changes is the cells' own matter. */
function useRows(sort: SortDescriptor): readonly PodItem[] {
  const pods = useWorld((state) => state.pods);
  const items = useWorld(selectPodsByHost);
  const search = useDesk((state) => state.search);
  const filter = useDesk((state) => state.filter);
  const rows = useMemo(() => {
    const value = sortValue[sort.column as ColumnName];
    const sign = sort.direction === 'descending' ? -1 : 1;
    return Object.values(items)
      .flat()
      .flatMap((item) => (pods[item.id] && isShown(pods[item.id]!, { search, filter }) ? [{ item, value: value(pods[item.id]!) }] : []))
      .sort((a, b) => sign * compare(a.value, b.value) || compare(a.item.name, b.item.name))
      .map(({ item }) => item);
  }, [pods, items, search, filter, sort]);
  const shown = useRef(rows);
  if (!sameList(shown.current, rows)) shown.current = rows;
  return shown.current;
}

const PodTable = memo(function PodTable({ rows, sort, onSort }: { rows: readonly PodItem[]; sort: SortDescriptor; onSort: (sort: SortDescriptor) => void }) {
  const { t } = useLanguage();
  const selected = useDesk((state) => state.selected);
  return (
    <div className="table-frame">
      <Virtualizer layout={TableLayout} layoutOptions={{ rowHeight: 42, headingHeight: 36 }}>
        <Table
          className="table"
          aria-label={t('list.label')}
          selectionMode="multiple"
          selectionBehavior="replace"
          selectedKeys={selected}
          onSelectionChange={(keys) => desk.setState({ selected: keys === 'all' ? new Set(rows.map(({ id }) => id)) : new Set([...keys].map(String)) })}
          sortDescriptor={sort}
          onSortChange={onSort}
          onRowAction={(key) => navigate({ page: 'pod', pod: String(key) })}
        >
          <TableHeader className="table-head">
            {columns.map((name) => (
              <Column key={name} id={name} isRowHeader={name === 'name'} allowsSorting={name !== 'more'} className={`table-column table-${name}`} {...widthOf(name)}>
                {({ sortDirection }) => (
                  <span className="row" style={{ gap: 4 }}>
                    {name === 'more' ? <span className="visually-hidden">{t(labels[name])}</span> : t(labels[name])}
                    {sortDirection === 'ascending' && <ArrowUp size={12} aria-hidden />}
                    {sortDirection === 'descending' && <ArrowDown size={12} aria-hidden />}
                  </span>
                )}
              </Column>
            ))}
          </TableHeader>
          <TableBody items={rows} renderEmptyState={() => <p className="table-none quiet">{t('overview.no-match')}</p>}>
            {renderRow}
          </TableBody>
        </Table>
      </Virtualizer>
    </div>
  );
});

function renderRow({ id, name }: PodItem) {
  return (
    <Row id={id} textValue={name} className="table-row">
      {columns.map((column) => (
        <Cell key={column} className={`table-cell ${cellLooks[column] ?? ''}`}>
          <PodCell id={id} column={column} />
        </Cell>
      ))}
    </Row>
  );
}

const cellLooks: Partial<Record<ColumnName, string>> = { name: 'strong truncate', host: 'truncate', environment: 'quiet truncate', address: 'mono quiet truncate' };

/** A cell hears of what it shows, and of nothing else of its POD. */
const PodCell = memo(function PodCell({ id, column }: { id: string; column: ColumnName }) {
  switch (column) {
    case 'name':
    case 'host':
    case 'address':
      return <PodText id={id} kind={column} />;
    case 'environment':
      return (
        <>
          <PodText id={id} kind={column} />
          <PodSince id={id} />
        </>
      );
    case 'state':
      return <PodState id={id} />;
    case 'cpu':
    case 'memory':
      return <PodFigure pod={id} kind={column} />;
    case 'more':
      return <More id={id} />;
  }
});

const textOf = {
  name: ({ name }: PodView) => name,
  host: ({ host }: PodView) => host,
  address: ({ address }: PodView) => address,
  environment: ({ environment }: PodView) => environment.name,
};

function PodText({ id, kind }: { id: string; kind: keyof typeof textOf }) {
  return <>{useWorld(({ pods }) => pods[id] && textOf[kind](pods[id]))}</>;
}

function PodState({ id }: { id: string }) {
  const badge = useWorld(({ pods }) => pods[id] && badgeOf(pods[id]));
  return badge && <StateBadge {...badge} />;
}

function PodSince({ id }: { id: string }) {
  const state = useWorld(({ pods }) => pods[id]?.state);
  return state && <Since state={state} />;
}

function PodFigure({ pod, kind }: { pod: string; kind: 'cpu' | 'memory' }) {
  const { format } = useLanguage();
  return <LiveText pod={pod} read={kind === 'cpu' ? cpuOf : memoryOf} write={kind === 'cpu' ? format.percent : format.bytes} />;
}

function More({ id }: { id: string }) {
  const { t } = useLanguage();
  const name = useWorld(({ pods }) => pods[id]?.name) ?? '';
  return <IconButton icon={EllipsisVertical} isSmall label={t('common.actions-of', { name })} onPress={({ target }) => openMenuAt({ pods: [id] }, target)} />;
}

function widthOf(name: ColumnName): { width?: number; minWidth?: number; defaultWidth?: `${number}fr` } {
  const fixed: Partial<Record<ColumnName, number>> = { state: 150, cpu: 84, memory: 100, more: 52, address: 130 };
  const width = fixed[name];
  return width === undefined ? { defaultWidth: '1fr', minWidth: 120 } : { width };
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
