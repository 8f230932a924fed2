/** What was done to a POD. */
import { History } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { PodView, Task } from '../../main/contract';
import { call } from '../bridge/zap';
import { useText } from '../i18n/text';
import { selectTasks, useWorld } from '../state/selectors';
import { openTask } from '../state/desk';
import { TaskLine } from '../tasks/task-line';
import { Empty } from '../ui/empty';

const LIMIT = 100;

export function PodHistory({ pod }: { pod: PodView }) {
  const t = useText();
  const recent = useWorld(selectTasks).filter(({ subject }) => subject.pod === pod.id);
  const [older, setOlder] = useState<readonly Task[]>([]);
  useEffect(() => {
    let isCurrent = true;
    call('task.history', { beforeMs: Date.now(), limit: LIMIT, pod: pod.id }).then(
      ({ tasks }) => isCurrent && setOlder(tasks),
      () => {}, // the recent ones are there anyway
    );
    return () => {
      isCurrent = false;
    };
  }, [pod.id]);
  const known = new Set(recent.map(({ id }) => id));
  const all = [...recent, ...older.filter(({ id }) => !known.has(id))];
  if (all.length === 0) return <Empty icon={History} title={t('pod.no-history')} />;
  return (
    <ul className="rows history">
      {all.map((task) => (
        <li key={task.id}>
          <TaskLine task={task} onOpen={() => openTask(task.id)} />
        </li>
      ))}
    </ul>
  );
}
