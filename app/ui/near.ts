/** Whether an element is on screen or close to it: what is far away shows nothing and so costs nothing. */
import { startTransition, useEffect, useState, type RefObject } from 'react';

const MARGIN = '400px';
const callbacks = new WeakMap<Element, (isNear: boolean) => void>();
let observer: IntersectionObserver | undefined;

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

export function useNear(ref: RefObject<Element | null>): boolean {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    callbacks.set(element, setNear);
    shared().observe(element);
    return () => {
      shared().unobserve(element);
      callbacks.delete(element);
    };
  }, [ref]);
  return isNear;
}
