/**
 * Frames that no honest client would send, to a real helper: it answers what can be answered, does not grow, and touches nothing. `npm run fuzz` sends a hundred
 * thousand; the seed of a run is what ZAP_FUZZ_SEED says.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contract } from '../../../helper/protocol/contract';
import type { Suite } from '../support/suite';
import { HelperOn } from './helper-on';

const frames = Number(process.env['ZAP_FUZZ_FRAMES'] ?? 25_000);
const seed = Number(process.env['ZAP_FUZZ_SEED'] ?? 20_260_101);
const headerBytes = 10;
const grownAtMostKib = 96 << 10;

const Frame = { request: 1, result: 2, error: 3, event: 4, cancel: 5, data: 6, end: 7, credit: 8 } as const;

function frame(type: number, lane: number, id: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt8(lane, 5);
  header.writeUInt32BE(id, 6);
  return Buffer.concat([header, payload]);
}

/** Values that are wrong where they stand, or lead elsewhere. None is a word of small letters alone: no recipe of them is ever valid. */
const hostile = fc.oneof(
  fc.constantFrom<unknown>('../../etc/passwd', '/etc/shadow', '..', '.', '', 'a\0b', 'a\nb', '\x1b]0;title\x07', '$(touch /tmp/x)', '`id`', '; reboot', '-rf', '%s%n', 'x1', 'of-nobody', 'A'.repeat(70_000), '\ud800', '0'.repeat(12), `sha256:${'0'.repeat(64)}`, 'ff'.repeat(33), '255.255.255.256', '127.0.0.1'),
  fc.constantFrom<unknown>(null, true, -1, 0, 1.5, 1e308, Number.MAX_SAFE_INTEGER, [], {}, [[]], { toString: 1 }, { length: 1e9 }, JSON.parse('{"__proto__":{"isAdmin":true}}'), JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)),
  fc.jsonValue({ maxDepth: 2 }),
);
const keys = fc.constantFrom('pod', 'name', 'environment', 'network', 'limits', 'command', 'recipe', 'key', 'seal', 'job', 'peer', 'transfer', 'relay', 'demand', 'decision', 'lines', 'terminal', 'user', 'isShared', 'profile', 'address', 'prefixLength', 'kind', 'resume', 'constructor', '__proto__');
const params = fc.oneof({ weight: 6, arbitrary: fc.dictionary(keys, fc.oneof(hostile, fc.dictionary(keys, hostile, { maxKeys: 3 })), { minKeys: 1, maxKeys: 6 }) }, { weight: 1, arbitrary: hostile.filter((value) => JSON.stringify(value) !== '{}') });
const methods = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...Object.keys(contract)) }, { weight: 1, arbitrary: fc.constantFrom('toString', '__proto__', 'constructor', 'pod.', 'POD.LIST', '', 'x'.repeat(10_000)) });
/** An import that is valid waits for its files, and is no frame that can be answered. */
const requests = fc.tuple(methods, params).filter(([method]) => method !== 'environment.import');
/** About calls that there never were. */
const strays = fc.tuple(fc.constantFrom(Frame.result, Frame.error, Frame.event, Frame.cancel, Frame.data, Frame.end, Frame.credit), fc.nat(255), fc.integer({ min: 1 << 30, max: 0xffff_ffff }), fc.jsonValue({ maxDepth: 1 }));

export function fuzz(suite: Suite): void {
  describe('a hostile client', () => {
    test(`sends ${frames} frames: no crash, no growth, nothing touched`, async () => {
      await suite.create('bystander', { options: ['--network', 'none'], command: ['sleep', 'infinity'] });
      await suite.lab.exec('alpha', ['touch', '/run/before-the-fuzz']);
      await using helper = await HelperOn.start(suite, 'alpha');
      const answers = countAnswers(helper);
      const residentKib = (): number => Number(/^VmRSS:\t *(\d+)/m.exec(helper.status(suite, 'alpha'))![1]);
      let asked = 0;
      let sent = 0;
      let before = 0;
      for (let round = 0; sent < frames; round++) {
        const chosen = fc.sample(fc.oneof({ weight: 8, arbitrary: requests }, { weight: 1, arbitrary: strays }), { numRuns: 1000, seed: seed + round });
        const bytes = chosen.map((one) => {
          if (one.length === 2) return frame(Frame.request, 0, ++asked, Buffer.from(JSON.stringify({ method: one[0], params: one[1] })));
          return frame(one[0], one[1], one[2], Buffer.from(one[0] === Frame.credit ? '\0\0\0\x01' : JSON.stringify(one[3])));
        });
        sent += chosen.length;
        if (!helper.child.stdin.write(Buffer.concat(bytes))) await new Promise((resolve) => helper.child.stdin.once('drain', resolve));
        await answers.reached(asked);
        if (round === 10) before = residentKib();
      }
      expect(answers.byType).toEqual({ [Frame.error]: asked });
      expect(residentKib() - before, 'KiB grown').toBeLessThan(grownAtMostKib);
      const touched = await suite.lab.exec('alpha', ['find', '/', '/var/lib/zap', '-xdev', '-newercm', '/run/before-the-fuzz', '-not', '-path', '/proc/*', '-not', '-path', '/run/zap/locks*', '-not', '-path', '/dev/*', '-type', 'f']);
      expect(touched.stdout.split('\n').filter((path) => path !== '' && !/^\/(?:run\/(?:criu|utmp|sshd|sudo)|var\/log|tmp\/\.|sys\/)/.test(path))).toEqual([]);
      expect((await suite.exec('bystander', 'true')).exitCode).toBe(0);
      await suite.delete('bystander');
    }, 600_000);
  });
}

/** Reads what the helper says, without keeping it. */
function countAnswers(helper: HelperOn): { byType: Record<number, number>; reached(count: number): Promise<void> } {
  const byType: Record<number, number> = {};
  let rest: Buffer = Buffer.alloc(0);
  let total = 0;
  let wake = (): void => {};
  helper.child.stdout.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= headerBytes && rest.length - at >= headerBytes + rest.readUInt32BE(at)) {
      const type = rest.readUInt8(at + 4);
      byType[type] = (byType[type] ?? 0) + 1;
      total++;
      at += headerBytes + rest.readUInt32BE(at);
    }
    rest = rest.subarray(at);
    wake();
  });
  helper.child.once('close', () => wake());
  return {
    byType,
    async reached(count) {
      while (total < count) {
        if (helper.child.exitCode !== null) throw new Error(`the helper ended with ${helper.child.exitCode}: ${helper.stderr}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
