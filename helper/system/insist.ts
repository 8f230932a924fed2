/** Behind a point of no return: what a disk refuses is tried again until it takes it, or until nobody waits any more. */
import { setTimeout as sleep } from 'node:timers/promises';

const tryAgainMs = 500;

export async function insist(write: () => void, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return write();
    } catch (error) {
      if (signal.aborted) throw error;
    }
    await sleep(tryAgainMs, undefined, { signal }).catch(() => {}); // once more then, for the error to tell
  }
}
