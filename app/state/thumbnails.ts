/** Pictures of screens: the last one of each POD, as an object URL; which PODs are to be seen is told to the services. */
import { call } from '../bridge/zap';

const urls = new Map<string, string>();
const listeners = new Map<string, Set<() => void>>();
const watched = new Map<string, number>();
const MAX_WATCHED = 64;
let timer: ReturnType<typeof setTimeout> | undefined;

export function addThumbnail({ pod, png }: { pod: string; png: Uint8Array }): void {
  const old = urls.get(pod);
  urls.set(pod, URL.createObjectURL(new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' })));
  listeners.get(pod)?.forEach((listener) => listener());
  if (old) setTimeout(() => URL.revokeObjectURL(old), 1000); // the old one may still be decoding
}

export function thumbnailOf(pod: string): string | undefined {
  return urls.get(pod);
}

export function subscribeThumbnail(pod: string, listener: () => void): () => void {
  const set = listeners.get(pod) ?? new Set();
  listeners.set(pod, set.add(listener));
  return () => set.delete(listener);
}

/** Says that a POD's picture is on screen, until the returned function is called. */
export function watchThumbnail(pod: string): () => void {
  watched.set(pod, (watched.get(pod) ?? 0) + 1);
  tellSoon();
  return () => {
    const count = (watched.get(pod) ?? 1) - 1;
    if (count > 0) watched.set(pod, count);
    else watched.delete(pod);
    tellSoon();
  };
}

export function tellWatched(): void {
  const pods = document.visibilityState === 'visible' ? [...watched.keys()].slice(0, MAX_WATCHED) : [];
  void call('thumbnails.watch', { pods }).catch(() => {}); // pictures are no promise
}

function tellSoon(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    tellWatched();
  }, 150);
}
