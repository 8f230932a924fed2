/** What the person is doing in this window: selection, search, the open dialog, notices. Nothing here outlives it. */
import { createStore } from 'zustand/vanilla';
import { useStore } from 'zustand';
import type { Failure, Plan, PodView, Whereabouts } from '../../main/contract';

export type Dialog =
  | { kind: 'plan'; pods: readonly string[]; to: string }
  | { kind: 'move'; pods: readonly string[] }
  | { kind: 'create'; host?: string | undefined }
  | { kind: 'clone'; pod: string }
  | { kind: 'rename'; pod: string }
  | { kind: 'resume'; pod: string }
  | { kind: 'delete'; pods: readonly string[] }
  | { kind: 'run-here'; pod: string }
  | { kind: 'discard'; pod: string }
  | { kind: 'add-host'; alias?: string | undefined }
  | { kind: 'remove-host'; host: string }
  | { kind: 'uninstall'; host: string }
  | { kind: 'evacuate'; host: string }
  | { kind: 'log'; of: { host: string } | { pod: string } | { task: string } }
  | { kind: 'settings' }
  | { kind: 'shortcuts' };

export type Notice =
  | { kind: 'moved'; task: string; pod: string; podName: string; from: string; to: string; downtimeMs: number | undefined }
  | { kind: 'failed'; task: string; pod: string | undefined; podName: string | undefined; whereabouts: Whereabouts | undefined; error: Failure; what: string }
  | { kind: 'call-failed'; error: Failure }
  | { kind: 'copied' };

export interface Carry {
  pods: readonly string[];
  /** Of the first POD, by host; made when it is picked up. */
  plans: Readonly<Record<string, Plan>>;
}

export interface ContextMenu {
  target: { pods: readonly string[] } | { host: string } | { task: string };
  x: number;
  y: number;
}

export interface Desk {
  selected: ReadonlySet<string>;
  search: string;
  filter: 'all' | PodView['state']['kind'];
  dialog: Dialog | undefined;
  palette: 'closed' | 'open';
  drawer: { isOpen: boolean; task?: string | undefined };
  menu: ContextMenu | undefined;
  notices: readonly (Notice & { id: number })[];
  carry: Carry | undefined;
  /** Spoken to screen readers. */
  announcement: string;
}

export const desk = createStore<Desk>(() => ({
  selected: new Set(),
  search: '',
  filter: 'all',
  dialog: undefined,
  palette: 'closed',
  drawer: { isOpen: false },
  menu: undefined,
  notices: [],
  carry: undefined,
  announcement: '',
}));

export function useDesk<T>(select: (state: Desk) => T): T {
  return useStore(desk, select);
}

export const openDialog = (dialog: Dialog): void => desk.setState({ dialog, palette: 'closed', menu: undefined });
export const closeDialog = (): void => desk.setState({ dialog: undefined });
/** Who reads about a task in the drawer needs no notice of it before their eyes. */
export const openTask = (task: string): void => desk.setState(({ notices }) => ({ drawer: { isOpen: true, task }, notices: notices.filter((notice) => !('task' in notice) || notice.task !== task) }));
export const toggleDrawer = (): void => desk.setState(({ drawer }) => ({ drawer: { isOpen: !drawer.isOpen } }));
export const select = (pods: Iterable<string>): void => desk.setState({ selected: new Set(pods) });
export const announce = (announcement: string): void => desk.setState({ announcement });

const MAX_NOTICES = 4;
let nextNotice = 1;

export function notify(notice: Notice): void {
  desk.setState(({ notices }) => ({ notices: [...notices.slice(1 - MAX_NOTICES), { ...notice, id: nextNotice++ }] }));
}

export function dismiss(id: number): void {
  desk.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
}
