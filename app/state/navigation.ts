/** Which page is open: the address's fragment, so that a reload and the mouse's back button work by themselves. */
import { useSyncExternalStore } from 'react';

export const podTabs = ['desktop', 'terminal', 'details', 'history'] as const;
export type PodTab = (typeof podTabs)[number];
export const hostTabs = ['pods', 'health', 'environments'] as const;
export type HostTab = (typeof hostTabs)[number];

export type Route = { page: 'overview' } | { page: 'host'; host: string; tab?: HostTab } | { page: 'pod'; pod: string; tab?: PodTab };

const LAST = 'zap.route';

export function parseRoute(hash: string): Route {
  const [page, subject, tab] = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (page === 'host' && subject) return { page, host: subject, ...(isOneOf(hostTabs, tab) ? { tab } : {}) };
  if (page === 'pod' && subject) return { page, pod: subject, ...(isOneOf(podTabs, tab) ? { tab } : {}) };
  return { page: 'overview' };
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'overview':
      return '#/';
    case 'host':
      return `#/host/${encodeURIComponent(route.host)}${route.tab ? `/${route.tab}` : ''}`;
    case 'pod':
      return `#/pod/${encodeURIComponent(route.pod)}${route.tab ? `/${route.tab}` : ''}`;
  }
}

export function navigate(route: Route, options: { replaces?: boolean } = {}): void {
  const hash = formatRoute(route);
  if (hash === window.location.hash) return;
  if (options.replaces) window.location.replace(hash);
  else window.location.hash = hash;
}

/** A window that starts opens what the last one showed. */
export function restoreRoute(): void {
  if (window.location.hash === '') window.location.replace(window.localStorage.getItem(LAST) ?? '#/');
  window.addEventListener('hashchange', () => window.localStorage.setItem(LAST, window.location.hash));
}

export function reveal(what: { task: string } | { pod: string } | { host: string }): void {
  if ('pod' in what) navigate({ page: 'pod', pod: what.pod });
  else if ('host' in what) navigate({ page: 'host', host: what.host });
  else openTaskListener?.(what.task);
}

let openTaskListener: ((task: string) => void) | undefined;

/** Tasks open in a drawer beside the page. */
export function onTaskRevealed(listener: (task: string) => void): void {
  openTaskListener = listener;
}

export function currentRoute(): Route {
  return parseRoute(window.location.hash);
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(
    (onChange) => {
      window.addEventListener('hashchange', onChange);
      return () => window.removeEventListener('hashchange', onChange);
    },
    () => window.location.hash,
  );
  return parseRoute(hash);
}

function isOneOf<T extends string>(list: readonly T[], value: string | undefined): value is T {
  return (list as readonly (string | undefined)[]).includes(value);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
