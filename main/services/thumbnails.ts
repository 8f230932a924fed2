/**
 * Small pictures of the desktops that are to be seen now.
 *
 * One view-only connection for each: after the first frame only what changed travels, and at most once a second. During a move the helper takes it away like
 * any view; it is opened again where the POD goes on, and until then the last picture stands.
 */
import type { EventData, PodView } from '../contract';
import type { HelperClient } from '../helper-client/client';
import { encodePng } from '../streams/png';
import { ScreenWatch } from '../streams/rfb-snapshot';
import { scaleDown } from '../streams/scale';

export interface ThumbnailOptions {
  pod: (id: string) => PodView | undefined;
  client: (host: string) => HelperClient | undefined;
  /** Whether pictures are wanted at all now. */
  isWanted: () => boolean;
  onPicture: (picture: EventData<'thumbnail'>) => void;
}

const WIDTH = 480;
const HEIGHT = 320;
const INTERVAL_MS = 1_000;
const RETRY_MS = 2_000;

export class Thumbnails implements Disposable {
  private readonly watching = new Map<string, AbortController>();

  constructor(private readonly options: ThumbnailOptions) {}

  watch(pods: readonly string[]): void {
    const wanted = new Set(pods);
    for (const [pod, stop] of this.watching) {
      if (wanted.has(pod)) continue;
      stop.abort();
      this.watching.delete(pod);
    }
    for (const pod of wanted) {
      if (this.watching.has(pod)) continue;
      const stop = new AbortController();
      this.watching.set(pod, stop);
      void this.follow(pod, stop.signal);
    }
  }

  [Symbol.dispose](): void {
    this.watch([]);
  }

  private async follow(id: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pod = this.options.pod(id);
      const client = pod && !pod.isStale && pod.hasDisplay && pod.state.kind === 'running' && this.options.isWanted() ? this.options.client(pod.host) : undefined;
      // A screen that is not there yet, or not any more, is looked for again.
      if (client) await this.look(id, client, signal).catch(() => {});
      await pause(RETRY_MS, signal);
    }
  }

  private async look(id: string, client: HelperClient, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const call = client.start('pod.display', { pod: id }, { signal: AbortSignal.any([signal, stop.signal]) });
    const lane = call.lane(0);
    call.result.catch(() => {}).finally(() => lane.destroy());
    let screen: ScreenWatch | undefined;
    try {
      screen = await ScreenWatch.open(lane);
      while (!signal.aborted && this.options.isWanted()) {
        const png = await encodePng(scaleDown(screen.image, WIDTH, HEIGHT));
        if (signal.aborted) return;
        this.options.onPicture({ pod: id, png: new Uint8Array(png), atMs: Date.now() });
        await pause(INTERVAL_MS, signal);
        await screen.change();
      }
    } finally {
      screen?.stop();
      stop.abort();
      lane.destroy();
    }
  }
}

/** Ends early, without complaint, when it is not needed any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
