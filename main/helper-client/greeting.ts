/**
 * Where the protocol begins.
 *
 * A login shell may print whatever its start files say before the helper runs. The helper's first bytes are a greeting that no such text contains; what
 * stands before it is thrown away, up to a bound.
 */
import type { Readable } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';

export const GREETING = Buffer.from('ZAP/1\r\n\0', 'latin1');
const MAX_NOISE_BYTES = 64 << 10;

/** Resolves to what was thrown away, once the greeting has gone by; the stream then stands at the protocol's first byte. */
export function skipToGreeting(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const settle = (act: () => void): void => {
      stream.off('readable', onReadable);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      stream.off('error', onError);
      act();
    };
    const fail = (why: string): void => settle(() => reject(new ZapError('host/no-helper', `The host's helper did not answer: ${why}.`, { evidence: printable(seen) })));
    const onEnd = (): void => fail('its connection ended at once');
    const onError = (error: Error): void => fail(error.message);
    const onReadable = (): void => {
      let chunk: Buffer | null;
      while ((chunk = stream.read() as Buffer | null) !== null) {
        seen = Buffer.concat([seen, chunk]);
        const at = seen.indexOf(GREETING);
        if (at >= 0 && at <= MAX_NOISE_BYTES) {
          const rest = seen.subarray(at + GREETING.length);
          return settle(() => {
            if (rest.length > 0) stream.unshift(rest);
            resolve(seen.subarray(0, at));
          });
        }
        if (seen.length > MAX_NOISE_BYTES + GREETING.length) return fail(`the first ${MAX_NOISE_BYTES} bytes are something else`);
      }
    };
    stream.on('readable', onReadable);
    stream.once('end', onEnd);
    stream.once('close', onEnd);
    stream.once('error', onError);
  });
}

/** The last lines of what came instead, for a person to read. */
function printable(bytes: Buffer): string[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .map((line) => line.replace(/[^\x20-\x7e]/g, '').slice(0, 200))
    .filter((line) => line !== '')
    .slice(-10);
}
