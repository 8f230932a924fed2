/** Tasks in words. */
import type { Task, TaskKind } from '../../main/contract';
import type { MessageId } from '../i18n/catalog';
import type { Text } from '../i18n/text';

const titles: Record<TaskKind, MessageId> = {
  'host.add': 'task.host.add',
  'host.connect': 'task.host.connect',
  'host.doctor': 'task.host.doctor',
  'host.fix': 'task.host.fix',
  'host.upgrade': 'task.host.upgrade',
  'host.uninstall': 'task.host.uninstall',
  'host.evacuate': 'task.host.evacuate',
  'pod.create': 'task.pod.create',
  'pod.delete': 'task.pod.delete',
  'pod.suspend': 'task.pod.suspend',
  'pod.resume': 'task.pod.resume',
  'pod.clone': 'task.pod.clone',
  'pod.move': 'task.pod.move',
  'pod.recover': 'task.pod.recover',
  'environment.build': 'task.environment.build',
  'environment.remove': 'task.environment.remove',
};

export function titleOf({ kind, subject }: Task, t: Text): string {
  const { podName = '', host = '', from = '', to = '', environment = '' } = subject;
  return t(titles[kind], { pod: podName, host: host || to || from, from, to, environment });
}

export const taskStates: Record<Task['state']['kind'], MessageId> = {
  queued: 'task.state.queued',
  running: 'task.state.running',
  cancelling: 'task.state.cancelling',
  done: 'task.state.done',
  cancelled: 'task.state.cancelled',
  failed: 'task.state.failed',
};
