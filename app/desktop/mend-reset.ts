/**
 * noVNC 1.7: a compression stream that is reset must forget its window.
 *
 * Its zlib keeps the window's memory and sets its size to zero, so that the first reference into it fails. Servers hardly ever reset streams; ours do after each move, because
 * there the streams of another connection begin. An inflator made anew is what a reset was meant to be.
 */
import type RFB from '@novnc/novnc';

interface Inflator {
  reset(): void;
}

interface Insides {
  _decoders?: Record<number, { _zlibs?: Inflator[] }>;
}

const TIGHT = 7;

export function mendReset(rfb: RFB): void {
  for (const inflator of (rfb as unknown as Insides)._decoders?.[TIGHT]?._zlibs ?? []) {
    const Inflate = inflator.constructor as new () => Inflator;
    inflator.reset = () => Object.assign(inflator, new Inflate());
  }
}
