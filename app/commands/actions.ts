/** What each command does, and when it applies. The registry in the contract says the rest: names, keys, places. */
import {
  Activity, ArrowLeft, ArrowRightLeft, Columns3, Copy, CopyPlus, Eraser, FileText, Keyboard, LayoutGrid, List, ListTodo, LogOut, MonitorPlay, Moon, PackageX, Pause, Pencil, Play, Plug, Plus, RefreshCw,
  RotateCcw, Search, Server, Settings2, SquareTerminal, Stethoscope, Trash2, Undo2, Unplug, X, type LucideIcon,
} from 'lucide-react';
import type { CommandId } from '../../main/contract/commands';
import type { Host, PodView, Task } from '../../main/contract';
import { desk, openDialog, openTask, toggleDrawer } from '../state/desk';
import { lastMoveOf } from '../state/selectors';
import { navigate } from '../state/navigation';
import { world } from '../state/world';
import { attempt, copyText } from './operate';

/** What a command is about: the PODs that are selected or shown, the host, the task. */
export interface Context {
  pods: readonly PodView[];
  host?: Host | undefined;
  task?: Task | undefined;
}

export interface Action {
  icon: LucideIcon;
  when?: (context: Context) => boolean;
  run: (context: Context) => void;
}

const onePod = ({ pods }: Context): boolean => pods.length === 1;
const stands = (pod: PodView): boolean => !pod.isStale && pod.task === undefined;
const isKind =
  (...kinds: PodView['state']['kind'][]) =>
  ({ pods }: Context): boolean =>
    pods.length > 0 && pods.every((pod) => stands(pod) && kinds.includes(pod.state.kind));
const one =
  (run: (pod: PodView) => void) =>
  ({ pods: [pod] }: Context): void => {
    if (pod) run(pod);
  };
const all =
  (run: (pod: PodView) => void) =>
  ({ pods }: Context): void =>
    pods.forEach(run);
const host =
  (run: (host: Host) => void) =>
  ({ host }: Context): void => {
    if (host) run(host);
  };
const task =
  (run: (task: Task) => void) =>
  ({ task }: Context): void => {
    if (task) run(task);
  };
const isReady = ({ host }: Context): boolean => host?.connection.kind === 'ready';
const ids = ({ pods }: Context): string[] => pods.map(({ id }) => id);

export const actions: Record<CommandId, Action> = {
  'app.palette': { icon: Search, run: () => desk.setState({ palette: 'open', menu: undefined }) },
  'app.shortcuts': { icon: Keyboard, run: () => openDialog({ kind: 'shortcuts' }) },
  'app.search': { icon: Search, run: () => focusSearch() },
  'app.overview': { icon: LayoutGrid, run: () => navigate({ page: 'overview' }) },
  'app.columns': { icon: Columns3, run: () => void showOverview('columns') },
  'app.list': { icon: List, run: () => void showOverview('list') },
  'app.tasks': { icon: ListTodo, run: toggleDrawer },
  'app.settings': { icon: Settings2, run: () => openDialog({ kind: 'settings' }) },
  'app.back': { icon: ArrowLeft, run: () => window.history.back() },
  'app.theme': { icon: Moon, run: () => void attempt('settings.change', { theme: document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark' }) },
  'app.diagnostics': { icon: Activity, run: () => void attempt('app.diagnostics', {}).then((answer) => copyText(answer?.text)) },

  'host.add': { icon: Plus, run: () => openDialog({ kind: 'add-host' }) },
  'host.open': { icon: Server, run: host(({ name }) => navigate({ page: 'host', host: name })) },
  'host.connect': { icon: Plug, when: ({ host }) => host?.connection.kind === 'idle' || host?.connection.kind === 'failed', run: host(({ name }) => void attempt('host.connect', { host: name })) },
  'host.disconnect': { icon: Unplug, when: isReady, run: host(({ name }) => void attempt('host.disconnect', { host: name })) },
  'host.doctor': { icon: Stethoscope, run: host(({ name }) => void attempt('host.doctor', { host: name }).then(() => navigate({ page: 'host', host: name, tab: 'health' }))) },
  'host.upgrade': { icon: RefreshCw, when: isReady, run: host(({ name }) => void attempt('host.upgrade', { host: name })) },
  'host.evacuate': { icon: LogOut, when: isReady, run: host(({ name }) => openDialog({ kind: 'evacuate', host: name })) },
  'host.log': { icon: FileText, run: host(({ name }) => openDialog({ kind: 'log', of: { host: name } })) },
  'host.uninstall': { icon: PackageX, when: isReady, run: host(({ name }) => openDialog({ kind: 'uninstall', host: name })) },
  'host.remove': { icon: Trash2, when: ({ host }) => host?.isLocal === false, run: host(({ name }) => openDialog({ kind: 'remove-host', host: name })) },

  'pod.create': { icon: Plus, run: ({ host }) => openDialog({ kind: 'create', host: host?.name }) },
  'pod.open': { icon: LayoutGrid, when: onePod, run: one(({ id }) => navigate({ page: 'pod', pod: id })) },
  'pod.desktop': { icon: MonitorPlay, when: ({ pods }) => pods.length === 1 && pods[0]!.hasDisplay, run: one(({ id }) => navigate({ page: 'pod', pod: id, tab: 'desktop' })) },
  'pod.terminal': { icon: SquareTerminal, when: onePod, run: one(({ id }) => navigate({ page: 'pod', pod: id, tab: 'terminal' })) },
  'pod.move': { icon: ArrowRightLeft, when: isKind('running', 'suspended'), run: (context) => openDialog({ kind: 'move', pods: ids(context) }) },
  'pod.move-back': {
    icon: Undo2,
    when: (context) => onePod(context) && isKind('running', 'suspended')(context) && lastMoveOf(world.getState(), context.pods[0]!.id) !== undefined,
    run: one((pod) => {
      const to = lastMoveOf(world.getState(), pod.id)?.subject.from;
      if (to !== undefined) void attempt('pod.move', { pod: pod.id, to, resumes: false });
    }),
  },
  'pod.suspend': { icon: Pause, when: isKind('running'), run: all(({ id }) => void attempt('pod.suspend', { pod: id })) },
  'pod.resume': { icon: Play, when: (context) => onePod(context) && isKind('suspended')(context), run: one(({ id }) => openDialog({ kind: 'resume', pod: id })) },
  'pod.clone': { icon: CopyPlus, when: (context) => onePod(context) && isKind('running', 'suspended')(context), run: one(({ id }) => openDialog({ kind: 'clone', pod: id })) },
  'pod.rename': { icon: Pencil, when: ({ pods }) => pods.length === 1 && stands(pods[0]!), run: one(({ id }) => openDialog({ kind: 'rename', pod: id })) },
  'pod.log': { icon: FileText, when: onePod, run: one(({ id }) => openDialog({ kind: 'log', of: { pod: id } })) },
  'pod.recover-here': { icon: Play, when: (context) => onePod(context) && isKind('in-doubt')(context), run: one(({ id }) => openDialog({ kind: 'run-here', pod: id })) },
  'pod.discard-here': { icon: Trash2, when: (context) => onePod(context) && isKind('in-doubt')(context), run: one(({ id }) => openDialog({ kind: 'discard', pod: id })) },
  'pod.delete': { icon: Trash2, when: ({ pods }) => pods.length > 0 && pods.every(stands), run: (context) => openDialog({ kind: 'delete', pods: ids(context) }) },

  'task.open': { icon: ListTodo, run: task(({ id }) => openTask(id)) },
  'task.cancel': { icon: X, when: ({ task }) => task?.canCancel === true, run: task(({ id }) => void attempt('task.cancel', { task: id })) },
  'task.repeat': { icon: RotateCcw, when: ({ task }) => task?.canRepeat === true, run: task(({ id }) => void attempt('task.repeat', { task: id })) },
  'task.copy-log': { icon: Copy, run: task(({ id }) => void attempt('task.log', { task: id }).then((answer) => copyText(answer?.text))) },
  'task.diagnostics': { icon: Activity, run: task(({ id }) => void attempt('app.diagnostics', { task: id }).then((answer) => copyText(answer?.text))) },
  'task.clear': { icon: Eraser, run: () => void attempt('task.clear', {}) },
};

async function showOverview(overview: 'columns' | 'list'): Promise<void> {
  navigate({ page: 'overview' });
  await attempt('settings.change', { overview });
}

function focusSearch(): void {
  const find = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>('.search-input');
  if (find()) return find()!.focus();
  navigate({ page: 'overview' });
  requestAnimationFrame(() => find()?.focus());
}
