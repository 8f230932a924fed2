/** An element over the whole screen. There the keys that the system would take (Escape, Alt+Tab) go to it as well, where that is allowed. */
import { useCallback, useEffect, useState, type RefObject } from 'react';

interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

export function useFullscreen(element: RefObject<HTMLElement | null>): { isFull: boolean; toggle: () => void; leave: () => void } {
  const [isFull, setFull] = useState(false);
  useEffect(() => {
    const keyboard = (navigator as { keyboard?: KeyboardLock }).keyboard;
    const onChange = (): void => {
      const isNow = document.fullscreenElement !== null && document.fullscreenElement === element.current;
      setFull(isNow);
      if (isNow) keyboard?.lock().catch(() => {}); // then the system keeps its own
      else keyboard?.unlock();
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }, [element]);
  const leave = useCallback(() => {
    if (document.fullscreenElement) void document.exitFullscreen();
  }, []);
  const toggle = useCallback(() => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else element.current?.requestFullscreen().catch(() => {}); // refused: the window stays as it is
  }, [element]);
  return { isFull, toggle, leave };
}
