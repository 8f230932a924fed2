/**
 * A stream that stays with its POD.
 *
 * Each stay of the POD on a host is a leg: one call of that host's helper. When a leg ends because the POD is frozen, or its host is lost, the POD is looked for
 * and the next leg opened where it is; the window only sees a pause.
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNever, ZapError } from '../../helper/protocol/errors';
import type { StreamControl } from '../contract';
import type { HelperCall, HelperClient } from '../helper-client/client';
import { Lookout, type Hosts } from './lookout';
import { View, type StreamPort } from './view';

/** What is spoken on a stream. */
export interface Speaker {
  /** Bytes that the window sent. */
  fromView(bytes: Uint8Array): void;
  /** Speaks until the leg's bytes end; `onReady` when the window shows what is on it. */
  speak(leg: Duplex, onReady: () => void): Promise<void>;
  /** The leg is over. So much of what was sent on it was read; undefined when nobody knows. */
  legEnded(readBytes: number | undefined): void;
}

export interface StreamKind {
  /** What the window has room for at first. */
  creditBytes: number;
  speaker(view: View): Speaker;
  start(client: HelperClient, signal: AbortSignal): HelperCall<'pod.attach'> | HelperCall<'pod.display'>;
  resize?(size: { columns: number; rows: number }): void;
}

export interface PodStreamOptions {
  hosts: Hosts;
  pod: string;
  port: StreamPort;
  kind: StreamKind;
}

type LegEnd = { kind: 'ended' | 'detached'; inputBytes: number } | { kind: 'failed'; error: ZapError };
type PauseReason = Extract<StreamControl, { type: 'paused' }>['reason'];

/** For this long a POD may be on no host at all: in the moment of the commit neither names it. */
const DELETED_AFTER_MS = 5_000;
const UNREACHABLE_AFTER_MS = 5_000;
const LAST_WORDS_MS = 1_000;

/** Runs until the window hangs up or there is nothing left to show. */
export async function runPodStream({ hosts, pod, port, kind }: PodStreamOptions): Promise<void> {
  const gone = new AbortController();
  const fail = (thrown: unknown): void => {
    view.tell({ type: 'closed', reason: 'failed', error: ZapError.from(thrown).toWire() });
    view.close();
  };
  const onBytes = (bytes: Uint8Array): void => {
    try {
      speaker.fromView(bytes);
    } catch (thrown) {
      fail(thrown);
    }
  };
  const view = new View(port, { onBytes, onResize: (size) => kind.resize?.(size), onClose: () => gone.abort() }, kind.creditBytes);
  const speaker = kind.speaker(view);
  try {
    const closing = await new Follower(view, speaker, kind, new Lookout(hosts, pod, gone.signal), gone.signal).follow();
    if (closing) view.tell(closing);
    view.close();
  } catch (thrown) {
    fail(thrown);
  }
}

class Follower {
  private hasOpened = false;
  private paused: PauseReason | undefined;
  private pausedMs = performance.now();
  private unknownSinceMs: number | undefined;

  constructor(
    private readonly view: View,
    private readonly speaker: Speaker,
    private readonly kind: StreamKind,
    private readonly lookout: Lookout,
    private readonly signal: AbortSignal,
  ) {}

  async follow(): Promise<StreamControl | undefined> {
    while (!this.signal.aborted) {
      const closing = await this.step();
      if (closing) return closing;
      if (this.paused !== undefined) await delay(this.patienceMs(), undefined, { signal: this.signal }).catch(() => {});
    }
  }

  private async step(): Promise<StreamControl | undefined> {
    const sighting = await this.lookout.look();
    if (sighting.kind !== 'unknown' && sighting.kind !== 'waiting') this.unknownSinceMs = undefined;
    switch (sighting.kind) {
      case 'alive':
        return this.afterLeg(await this.leg(sighting.host, sighting.client));
      case 'moving':
      case 'suspended':
      case 'unreachable':
        this.pause(sighting.kind);
        return undefined;
      case 'waiting':
        // The first connection to a host takes its time; what takes longer is a host that does not answer.
        if (performance.now() - this.pausedMs > UNREACHABLE_AFTER_MS) this.pause('unreachable');
        return undefined;
      case 'dead':
        return { type: 'closed', reason: 'ended' };
      case 'unknown':
        this.pause('moving');
        this.unknownSinceMs ??= performance.now();
        return performance.now() - this.unknownSinceMs > DELETED_AFTER_MS ? { type: 'closed', reason: 'deleted' } : undefined;
      default:
        return assertNever(sighting);
    }
  }

  private async leg(host: string, client: HelperClient): Promise<LegEnd> {
    const broken = new AbortController();
    const stopped = AbortSignal.any([this.signal, broken.signal]);
    const call = this.kind.start(client, stopped);
    const bytes = call.lane(0);
    bytes.on('error', () => {}); // the call's own failure tells
    let violation: ZapError | undefined;
    const speaking = this.speaker
      .speak(bytes, () => this.ready(host))
      .catch((thrown: unknown) => {
        violation = ZapError.from(thrown);
        broken.abort();
      });
    const ending = (call.result as Promise<{ reason: 'ended' | 'detached'; inputBytes: number }>).then<LegEnd, LegEnd>(
      ({ reason, inputBytes }) => ({ kind: reason, inputBytes }),
      (error: unknown) => ({ kind: 'failed', error: ZapError.from(error) }),
    );
    const end = await Promise.race([ending, abortOf(stopped)]);
    if (end.kind === 'detached') this.pause('moving');
    // What is left of a picture or a screen that will be drawn anew is of no use; the last words of a program are.
    if (end.kind === 'ended') await Promise.race([speaking, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    bytes.destroy();
    await speaking;
    this.speaker.legEnded(readBytes(end));
    return violation ? { kind: 'failed', error: violation } : end;
  }

  private afterLeg(end: LegEnd): StreamControl | undefined {
    if (end.kind !== 'failed') return end.kind === 'ended' ? { type: 'closed', reason: 'ended' } : undefined;
    const { code } = end.error;
    if (code.startsWith('host/')) this.pause('unreachable');
    else if (code === 'pod/busy' || code === 'pod/wrong-state' || code === 'pod/unknown') this.pause('moving'); // it is just being frozen, or has just left
    else return { type: 'closed', reason: 'failed', error: end.error.toWire() };
    return undefined;
  }

  private ready(host: string): void {
    this.view.tell({ type: this.hasOpened ? 'resumed' : 'opened', host });
    this.hasOpened = true;
    this.paused = undefined;
  }

  private pause(reason: PauseReason): void {
    if (this.paused === reason) return;
    if (this.paused === undefined) this.pausedMs = performance.now();
    this.paused = reason;
    this.view.tell({ type: 'paused', reason });
  }

  /** A move's pause is short: first there is no time to lose, later no hurry. */
  private patienceMs(): number {
    const sinceMs = performance.now() - this.pausedMs;
    if (sinceMs < 3_000) return 60;
    return sinceMs < 30_000 ? 250 : 1_500;
  }
}

/** A helper need not answer to being hung up on. */
async function abortOf(signal: AbortSignal): Promise<LegEnd> {
  if (!signal.aborted) await once(signal, 'abort');
  return { kind: 'failed', error: new ZapError('cancelled/by-user', 'The stream was closed.') };
}

/** A refusal has read nothing; what a lost connection carried, nobody knows. */
function readBytes(end: LegEnd): number | undefined {
  if (end.kind !== 'failed') return end.inputBytes;
  return end.error.code.startsWith('pod/') ? 0 : undefined;
}
