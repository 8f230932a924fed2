/**
 * Whether an element is on screen or close to it: what is far away shows nothing and so costs nothing.
 *
 * Nothing is made or taken away while a list flies past faster than anybody reads: that would cost the frames that let a person see where he is. It is made when
 * the list slows down.
 */
import { startTransition, useEffect, useState, type RefObject } from 'react';

const MARGIN = '400px';
/** Faster than this, nothing but names can be read. */
const FLIGHT_PX_PER_MS = 1.5;
const CALM_AFTER_MS = 90;
/** Steps further apart than the slowest frames are no flight. */
const STEP_MS = 300;

const callbacks = new WeakMap<Element, (isNear: boolean) => void>();
const news = new Map<Element, boolean>();
const places = new WeakMap<EventTarget, { atMs: number; px: number }>();
let observer: IntersectionObserver | undefined;
let flightUntilMs = 0;
let timer = 0;

/** One observer for all: hundreds of them would cost more than they save. */
function shared(): IntersectionObserver {
  if (observer) return observer;
  observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) news.set(target, isIntersecting);
    tell();
  }, { rootMargin: MARGIN });
  document.addEventListener('scroll', noteSpeed, { capture: true, passive: true });
  return observer;
}

function noteSpeed({ target }: Event): void {
  if (!(target instanceof Element)) return;
  const now = { atMs: performance.now(), px: target.scrollLeft + target.scrollTop };
  const last = places.get(target);
  places.set(target, now);
  if (!last || now.atMs - last.atMs > STEP_MS) return;
  if (Math.abs(now.px - last.px) > FLIGHT_PX_PER_MS * (now.atMs - last.atMs)) flightUntilMs = now.atMs + CALM_AFTER_MS;
}

function tell(): void {
  clearTimeout(timer);
  const flightMs = flightUntilMs - performance.now();
  if (flightMs > 0) return void (timer = window.setTimeout(tell, flightMs));
  // What comes into view may be shown between two frames, and never holds one up.
  startTransition(() => {
    for (const [element, isNear] of news) callbacks.get(element)?.(isNear);
  });
  news.clear();
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
      news.delete(element);
    };
  }, [ref]);
  return isNear;
}
