/** Who may ask: the main frame of a window of ours, showing a page of ours. */
import { ORIGIN, originOf } from './origin';

export interface Asking {
  sender: { id: number };
  senderFrame: { url: string; parent: unknown } | null;
}

export function isTrusted({ sender, senderFrame }: Asking, windows: ReadonlySet<number>): boolean {
  return windows.has(sender.id) && senderFrame !== null && senderFrame.parent === null && originOf(senderFrame.url) === ORIGIN;
}
