/** Whether an element is on screen or close to it: what is far away is told of nothing, and so costs nothing. */
import { startTransition, useEffect, useState, type RefObject } from 'react';

const MARGIN = '400px';
/** Made in slices that give way to whatever is more urgent; so many in one idle moment, which come twenty times a second where nothing moves. */
const PREPARED_AT_ONCE = 8;
const callbacks = new WeakMap<Element, (isNear: boolean) => void>();
const unprepared = new Set<() => void>();
let observer: IntersectionObserver | undefined;
let isPreparing = false;

/** One observer for all: hundreds of them would cost more than they save. */
function shared(): IntersectionObserver {
  observer ??= new IntersectionObserver((entries) => {
    // What comes into view may be shown between two frames, and never holds one up.
    startTransition(() => {
      for (const { target, isIntersecting } of entries) callbacks.get(target)?.(isIntersecting);
    });
  }, { rootMargin: MARGIN });
  return observer;
}

/** In time that nobody needs, a few after another. */
function prepareSoon(): void {
  if (isPreparing || unprepared.size === 0) return;
  isPreparing = true;
  requestIdleCallback(() => {
    isPreparing = false;
    startTransition(() => {
      for (const prepare of [...unprepared].slice(0, PREPARED_AT_ONCE)) {
        unprepared.delete(prepare);
        prepare();
      }
    });
    prepareSoon();
  });
}

/** `isPrepared` once it was near, or there was time to make what it will show: so that nothing is made while a person scrolls. */
export function useNear(ref: RefObject<Element | null>): { isNear: boolean; isPrepared: boolean } {
  const [isNear, setNear] = useState(false);
  const [isPrepared, setPrepared] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const prepare = (): void => setPrepared(true);
    callbacks.set(element, (near) => {
      setNear(near);
      if (near) setPrepared(true);
      if (near) unprepared.delete(prepare);
    });
    shared().observe(element);
    unprepared.add(prepare);
    prepareSoon();
    return () => {
      shared().unobserve(element);
      callbacks.delete(element);
      unprepared.delete(prepare);
    };
  }, [ref]);
  return { isNear, isPrepared };
}
