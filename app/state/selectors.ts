/** Views of the world that are made once per change, however many look at them. */
import { useCallback, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import type { Host, PodView, Task } from '../../main/contract';
import { world, type World } from './world';

export function useWorld<T>(select: (state: World) => T): T {
  return useStore(world, select);
}

/** Remembers the last result by identity of what it was made from. */
function derived<In, Out>(input: (state: World) => In, make: (value: In) => Out, isSame: (a: Out, b: Out) => boolean = Object.is): (state: World) => Out {
  let last: { value: In; out: Out } | undefined;
  return (state) => {
    const value = input(state);
    if (last && Object.is(last.value, value)) return last.out;
    const out = make(value);
    last = { value, out: last && isSame(last.out, out) ? last.out : out };
    return last.out;
  };
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Remote hosts by name, this computer last. */
export const selectHostNames = derived(
  ({ hosts }) => hosts,
  (hosts) => Object.values(hosts).sort((a, b) => Number(a.isLocal) - Number(b.isLocal) || byName(a, b)).map(({ name }) => name),
  sameList,
);

export interface PodItem {
  id: string;
  name: string;
}

/** PODs of each host in order of their names: the same list as before unless one came, went, moved or was renamed. */
export const selectPodsByHost = (() => {
  let last: Readonly<Record<string, readonly PodItem[]>> = {};
  const items = new Map<string, PodItem>();
  const itemOf = ({ id, name }: PodView): PodItem => {
    const known = items.get(id);
    if (known?.name === name) return known;
    const item = { id, name };
    items.set(id, item);
    return item;
  };
  return derived(
    ({ pods }) => pods,
    (pods) => {
      const lists: Record<string, PodItem[]> = {};
      for (const pod of Object.values(pods)) (lists[pod.host] ??= []).push(itemOf(pod));
      for (const id of items.keys()) if (!(id in pods)) items.delete(id);
      const next: Record<string, readonly PodItem[]> = {};
      for (const [host, list] of Object.entries(lists)) {
        list.sort(byName);
        const old = last[host];
        next[host] = old && sameList(old, list) ? old : list;
      }
      return (last = next);
    },
  );
})();

/** PODs on their way, by where they go. */
export const selectArrivals = derived(
  ({ pods }) => pods,
  (pods) => {
    const lists: Record<string, string[]> = {};
    for (const { id, destination, host } of Object.values(pods)) if (destination !== undefined && destination !== host) (lists[destination] ??= []).push(id);
    return lists;
  },
);

export const selectTasks = derived(
  ({ tasks }) => tasks,
  (tasks) => Object.values(tasks).sort((a, b) => b.createdAtMs - a.createdAtMs),
);

export const selectActiveTasks = derived(selectTasks, (tasks) => tasks.filter(isActive), sameList);

export function isActive({ state }: Task): boolean {
  return state.kind === 'running' || state.kind === 'queued' || state.kind === 'cancelling';
}

/** The last finished move of a POD, which can be taken back. */
export function lastMoveOf(state: World, pod: string): Task | undefined {
  const current = state.pods[pod];
  return selectTasks(state).find((task) => task.kind === 'pod.move' && task.subject.pod === pod && task.state.kind === 'done' && task.subject.to === current?.host && task.subject.from !== undefined && task.subject.from in state.hosts);
}

export function isReachable(host: Host | undefined): boolean {
  return host?.connection.kind === 'ready';
}

export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

/** The time, as a reason to show something anew; nothing is done while nobody looks. */
export function useNow(intervalMs: number): number {
  const subscribe = useCallback(
    (onChange: () => void) => {
      const timer = setInterval(onChange, intervalMs);
      return () => clearInterval(timer);
    },
    [intervalMs],
  );
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / intervalMs) * intervalMs);
}
