/** PODs as a table: for many of them, to compare and to sort. */
import { ArrowDown, ArrowUp, EllipsisVertical } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Cell, Column, Row, Table, TableBody, TableHeader, TableLayout, Virtualizer, type SortDescriptor } from 'react-aria-components';
import type { PodSample, PodView } from '../../main/contract';
import { openMenuAt } from '../commands/context-menu';
import type { MessageId } from '../i18n/catalog';
import { useLanguage } from '../i18n/text';
import { desk, useDesk } from '../state/desk';
import { navigate } from '../state/navigation';
import { podSamples } from '../state/samples';
import { useWorld } from '../state/selectors';
import { PodBadge } from '../ui/badge';
import { IconButton } from '../ui/button';
import { isShown } from './filter';
import { LiveText } from './live-figures';
import { Since } from './pod-card';

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
  const { t } = useLanguage();
  const pods = useWorld((state) => state.pods);
  const search = useDesk((state) => state.search);
  const filter = useDesk((state) => state.filter);
  const selected = useDesk((state) => state.selected);
  const [sort, setSort] = useState<SortDescriptor>({ column: 'name', direction: 'ascending' });
  const rows = useMemo(() => {
    const value = sortValue[sort.column as ColumnName];
    const sign = sort.direction === 'descending' ? -1 : 1;
    return Object.values(pods)
      .filter((pod) => isShown(pod, { search, filter }))
      .sort((a, b) => sign * compare(value(a), value(b)) || compare(a.name, b.name));
  }, [pods, search, filter, sort]);
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
          onSortChange={setSort}
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
}

function renderRow(pod: PodView) {
  return (
    <Row id={pod.id} textValue={pod.name} className="table-row">
      <Cell className="table-cell strong truncate">{pod.name}</Cell>
      <Cell className="table-cell">
        <PodBadge pod={pod} />
      </Cell>
      <Cell className="table-cell truncate">{pod.host}</Cell>
      <Cell className="table-cell quiet truncate">
        {pod.environment.name}
        <Since pod={pod} />
      </Cell>
      <Cell className="table-cell">
        <PodFigure pod={pod.id} kind="cpu" />
      </Cell>
      <Cell className="table-cell">
        <PodFigure pod={pod.id} kind="memory" />
      </Cell>
      <Cell className="table-cell mono quiet truncate">{pod.address ?? ''}</Cell>
      <Cell className="table-cell">
        <More pod={pod} />
      </Cell>
    </Row>
  );
}

function PodFigure({ pod, kind }: { pod: string; kind: 'cpu' | 'memory' }) {
  const { format } = useLanguage();
  return <LiveText pod={pod} read={kind === 'cpu' ? cpuOf : memoryOf} write={kind === 'cpu' ? format.percent : format.bytes} />;
}

function More({ pod }: { pod: PodView }) {
  const { t } = useLanguage();
  return <IconButton icon={EllipsisVertical} isSmall label={t('common.actions-of', { name: pod.name })} onPress={({ target }) => openMenuAt({ pods: [pod.id] }, target)} />;
}

function widthOf(name: ColumnName): { width?: number; minWidth?: number; defaultWidth?: `${number}fr` } {
  const fixed: Partial<Record<ColumnName, number>> = { state: 150, cpu: 84, memory: 100, more: 52, address: 130 };
  const width = fixed[name];
  return width === undefined ? { defaultWidth: '1fr', minWidth: 120 } : { width };
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
