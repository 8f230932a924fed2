import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GREETING, skipToGreeting } from './greeting';

async function rest(stream: PassThrough): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('skipToGreeting', () => {
  it('finds the protocol behind any noise, however it is cut up', async () => {
    const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)).filter((bytes) => bytes.indexOf(GREETING) < 0);
    await fc.assert(
      fc.asyncProperty(noise, fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 50 }), async (before, after, size) => {
        const stream = new PassThrough();
        const all = Buffer.concat([before, GREETING, after]);
        const skipped = skipToGreeting(stream);
        for (let at = 0; at < all.length; at += size) stream.write(all.subarray(at, at + size));
        expect(await skipped).toEqual(before);
        stream.end();
        expect(await rest(stream)).toEqual(Buffer.from(after));
      }),
      { numRuns: 100 },
    );
  });

  it('gives up on an end, and says what came instead', async () => {
    const stream = new PassThrough();
    stream.end('motd\nsudo: a password is required\n');
    await expect(skipToGreeting(stream)).rejects.toMatchObject({ code: 'host/no-helper', evidence: ['motd', 'sudo: a password is required'] });
  });

  it('gives up on endless noise', async () => {
    const stream = new PassThrough();
    const skipped = skipToGreeting(stream);
    const line = Buffer.alloc(8192, 'x');
    for (let i = 0; i < 10; i++) stream.write(line);
    await expect(skipped).rejects.toMatchObject({ code: 'host/no-helper' });
  });
});
