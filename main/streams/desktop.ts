/**
 * A desktop on a stream.
 *
 * The viewer in the window has one RFB connection for as long as it lives: ours. Behind it, each leg is a connection to the same X server, wherever that is now.
 * The handshake is made here, in one round trip, since the server is known; what the viewer had asked for is asked again, the whole picture is requested, and the
 * viewer goes on painting over its last frame. A viewer that connects anew itself would need four round trips, and loses its canvas, its focus and the keys held.
 */
import type { Duplex } from 'node:stream';
import { initialCreditBytes } from '../contract';
import { ByteQueue } from './byte-queue';
import { chunksOf } from './chunks';
import type { Speaker, StreamKind } from './pod-stream';
import { Encoding, lie, ServerParser, TightStreams, type ServerPiece } from './rfb-server';
import { RfbHandshake } from './rfb-handshake';
import { updateRequest } from './rfb-client';
import { ViewerSide } from './rfb-viewer';
import type { View } from './view';

export function desktopKind({ pod }: { pod: string }): StreamKind {
  return { creditBytes: initialCreditBytes, speaker: (view) => new DesktopSpeaker(view), start: (client, signal) => client.start('pod.display', { pod }, { signal }) };
}

export class DesktopSpeaker implements Speaker {
  private readonly viewer: ViewerSide;
  private width = 0;
  private height = 0;

  constructor(private readonly view: Pick<View, 'write' | 'drained' | 'grant'>) {
    this.viewer = new ViewerSide(view);
  }

  fromView(bytes: Uint8Array): void {
    this.viewer.fromView(bytes);
  }

  async speak(leg: Duplex, onReady: () => void): Promise<void> {
    const handshake = new RfbHandshake();
    leg.write(handshake.opening);
    const isFirst = !this.viewer.isServing;
    if (!isFirst) this.viewer.joinLeg(leg, handshake.opening.length, updateRequest(this.width, this.height));
    const queue = new ByteQueue();
    const parser = new ServerParser();
    const picture = new Picture(parser, isFirst ? undefined : new TightStreams(), this.viewer);
    try {
      for await (const chunk of chunksOf(leg)) {
        queue.push(chunk);
        if (!handshake.init) {
          if (!handshake.take(queue)) continue;
          this.begin(handshake.init!, isFirst, picture, onReady);
          if (isFirst) this.viewer.joinLeg(leg, handshake.opening.length);
        }
        this.forward(queue, picture);
        await this.view.drained();
      }
    } finally {
      // The rest of an update that broke off would be taken for the beginning of what the next leg says.
      if (parser.isMidUpdate) this.view.write(endOfUpdate);
    }
  }

  legEnded(readBytes: number | undefined): void {
    this.viewer.legEnded(readBytes);
  }

  private begin(init: Buffer, isFirst: boolean, picture: Picture, onReady: () => void): void {
    const [width, height] = [init.readUInt16BE(0), init.readUInt16BE(2)];
    if (width === 0 || height === 0) throw lie(`its screen is ${width}×${height}`);
    const requestedPixels = this.width * this.height;
    const hasChanged = width !== this.width || height !== this.height;
    [this.width, this.height] = [width, height];
    picture.onSize = (newWidth, newHeight) => ([this.width, this.height] = [newWidth, newHeight]);
    if (isFirst) {
      this.viewer.serverIs(init);
      return onReady();
    }
    if (hasChanged) this.view.write(resizeTo(width, height));
    picture.whenShown(Math.min(requestedPixels, width * height), onReady);
  }

  /** All whole pieces that are there, but for those that the viewer must not see, in as few writes as that allows. */
  private forward(queue: ByteQueue, picture: Picture): void {
    const { bytes } = queue;
    let [from, at] = [0, 0];
    const cut = (): void => {
      if (at > from) this.view.write(bytes.subarray(from, at));
    };
    for (let piece; (piece = picture.next(bytes.subarray(at))); ) {
      if (piece.isHidden) {
        cut();
        from = at + piece.length;
      }
      at += piece.length;
      if (piece.isPicture) {
        cut();
        from = at;
        picture.shown();
      }
    }
    cut();
    queue.skip(at);
  }
}

/** The server's side of one leg, piece by piece. */
class Picture {
  onSize: (width: number, height: number) => void = () => {};
  private missingPixels = 0;
  private onShown: (() => void) | undefined;

  constructor(
    private readonly parser: ServerParser,
    private readonly streams: TightStreams | undefined,
    private readonly viewer: ViewerSide,
  ) {}

  /** Once, after the update that brings the last of so many pixels: the first updates of a connection may bring the pointer's shape and no picture. */
  whenShown(pixels: number, onShown: () => void): void {
    this.missingPixels = pixels;
    this.onShown = onShown;
  }

  next(bytes: Buffer): { length: number; isHidden: boolean; isPicture: boolean } | undefined {
    const piece = this.parser.next(bytes);
    if (!piece) return undefined;
    if (piece.kind === 'fence' && piece.isRequest) this.viewer.fenceAsked();
    if (piece.kind === 'rectangle') this.rectangle(piece, bytes);
    // A viewer takes the second such message for the end of updates, though it only says again that they can be had.
    const isHidden = piece.kind === 'end-of-continuous-updates' && !this.viewer.hearsOfContinuousUpdates();
    const isPicture = this.onShown !== undefined && piece.kind === 'rectangle' && piece.isLast && this.missingPixels <= 0;
    return { length: piece.length, isHidden, isPicture };
  }

  /** What `next` called a picture has been passed on. */
  shown(): void {
    this.onShown?.();
    this.onShown = undefined;
  }

  private rectangle({ encoding, x, y, width, height }: Extract<ServerPiece, { kind: 'rectangle' }>, bytes: Buffer): void {
    if (encoding === Encoding.tight) this.streams?.markReset(bytes);
    if (encoding === Encoding.tight || encoding === Encoding.raw || encoding === Encoding.copyRect) this.missingPixels -= width * height;
    const wasRefused = encoding === Encoding.extendedDesktopSize && x === 1 && y !== 0;
    if ((encoding === Encoding.desktopSize || encoding === Encoding.extendedDesktopSize) && !wasRefused) this.onSize(width, height);
  }
}

const endOfUpdate = Buffer.alloc(12);
endOfUpdate.writeInt32BE(Encoding.lastRect, 8);

function resizeTo(width: number, height: number): Buffer {
  const update = Buffer.alloc(16);
  update.writeUInt16BE(1, 2);
  update.writeUInt16BE(width, 8);
  update.writeUInt16BE(height, 10);
  update.writeInt32BE(Encoding.desktopSize, 12);
  return update;
}
