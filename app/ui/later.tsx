/** Parts of the window that its first picture does without: loaded when there is time, or when they are wanted. */
import { lazy, Suspense, type ComponentType } from 'react';

const loads: (() => Promise<unknown>)[] = [];
/** Also a window that is never idle gets them. */
const AT_THE_LATEST_MS = 3_000;

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  loads.push(load);
  const Loaded = lazy(async () => ({ default: await load() }));
  return function Later(props: P) {
    return (
      <Suspense>
        <Loaded {...props} />
      </Suspense>
    );
  };
}

/** What cannot be loaded now is tried again when it is wanted. */
export function loadTheRest(): void {
  requestIdleCallback(() => void Promise.allSettled(loads.map((load) => load())), { timeout: AT_THE_LATEST_MS });
}
