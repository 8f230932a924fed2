/** The drawer of tasks, and the bar below the window that opens it. */
import { ChevronDown, ChevronUp, Eraser, ListTodo } from 'lucide-react';
import { useState } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import type { Task } from '../../main/contract';
import { run } from '../commands/run';
import { useText } from '../i18n/text';
import { openTask, toggleDrawer, useDesk } from '../state/desk';
import { isActive, selectActiveTasks, selectTasks, useWorld } from '../state/selectors';
import { Button, IconButton } from '../ui/button';
import { Empty } from '../ui/empty';
import { Segments } from '../ui/field';
import { TaskDetails } from './task-details';
import { TaskIcon, TaskLine } from './task-line';
import { titleOf } from './describe';

type Filter = 'all' | 'active' | 'failed';

const SHOWN = 200;

export function TaskDrawer() {
  const t = useText();
  const drawer = useDesk((state) => state.drawer);
  const tasks = useWorld(selectTasks);
  const chosen = useWorld((state) => (drawer.task === undefined ? undefined : state.tasks[drawer.task]));
  const [filter, setFilter] = useState<Filter>('all');
  if (!drawer.isOpen) return null;
  const shown = tasks.filter((task) => passes(task, filter)).slice(0, SHOWN);
  return (
    <aside className="drawer" aria-label={t('command.app.tasks')}>
      <header className="drawer-head">
        <h2 className="strong">{t('command.app.tasks')}</h2>
        <Segments
          label={t('task.filter')}
          isLabelHidden
          value={filter}
          onChange={setFilter}
          options={[
            { value: 'all', label: t('task.all') },
            { value: 'active', label: t('task.active') },
            { value: 'failed', label: t('task.failed') },
          ]}
        />
        <span className="grow" />
        <Button isSmall kind="ghost" icon={Eraser} isDisabled={tasks.every(isActive)} onPress={() => run('task.clear')}>
          {t('command.task.clear')}
        </Button>
        <IconButton icon={ChevronDown} label={t('task.hide')} keys="Ctrl+J" onPress={toggleDrawer} />
      </header>
      <div className="drawer-body">
        {shown.length === 0 ? (
          <Empty icon={ListTodo} title={t('task.none')}>
            {t('task.none-text')}
          </Empty>
        ) : (
          <ul className="drawer-list">
            {shown.map((task) => (
              <li key={task.id}>
                <TaskLine task={task} isSelected={task.id === drawer.task} onOpen={() => openTask(task.id)} />
              </li>
            ))}
          </ul>
        )}
        {chosen && <TaskDetails key={chosen.id} task={chosen} />}
      </div>
    </aside>
  );
}

function passes(task: Task, filter: Filter): boolean {
  return filter === 'all' || (filter === 'active' ? isActive(task) : task.state.kind === 'failed');
}

export function StatusBar() {
  const t = useText();
  const active = useWorld(selectActiveTasks);
  const isOpen = useDesk(({ drawer }) => drawer.isOpen);
  const pods = useWorld((state) => Object.keys(state.pods).length);
  const ready = useWorld((state) => Object.values(state.hosts).filter(({ connection }) => connection.kind === 'ready').length);
  const hosts = useWorld((state) => Object.keys(state.hosts).length);
  const first = active[0];
  return (
    <footer className="status-bar small">
      <AriaButton className="status-tasks" onPress={toggleDrawer} aria-expanded={isOpen}>
        {first ? <TaskIcon task={first} size={14} /> : <ListTodo size={14} aria-hidden />}
        <span className="truncate">{first ? (active.length === 1 ? titleOf(first, t) : t('task.count', { count: active.length })) : t('task.quiet')}</span>
        {isOpen ? <ChevronDown size={13} aria-hidden /> : <ChevronUp size={13} aria-hidden />}
      </AriaButton>
      <span className="grow" />
      <span className="quiet figures">{t('status.hosts', { ready, hosts })}</span>
      <span className="quiet figures">{t('status.pods', { count: pods })}</span>
    </footer>
  );
}
