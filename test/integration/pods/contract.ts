/** The helper behind its own door: whatever comes in at its standard input, only what the contract names is done. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Suite } from '../support/suite';

const greeting = 'ZAP/1\r\n\0';
const requestType = 1;
const headerBytes = 10;

interface Answer {
  type: number;
  id: number;
  value: { code?: string; [key: string]: unknown };
}

/** A helper of alpha, run by root, and nobody's idea of a client. */
class Wire implements AsyncDisposable {
  private received = Buffer.alloc(0);
  readonly exited: Promise<number | null>;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (chunk: Buffer) => (this.received = Buffer.concat([this.received, chunk])));
    child.stdin.on('error', () => {});
    this.exited = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  static async open(suite: Suite): Promise<Wire> {
    const installed = suite.alpha.path('var/lib/zap/helper');
    const program = join('/var/lib/zap/helper', readdirSync(installed)[0]!, 'zap-helper');
    const [command, ...args] = await suite.lab.commandOn('alpha', [program, 'serve']);
    const wire = new Wire(spawn(command, args));
    while (!wire.received.includes(greeting)) await new Promise((resolve) => wire.child.stdout.once('data', resolve));
    wire.received = wire.received.subarray(wire.received.indexOf(greeting) + greeting.length);
    return wire;
  }

  send(bytes: Buffer): void {
    this.child.stdin.write(bytes);
  }

  async request(id: number, payload: unknown): Promise<Answer> {
    this.send(frame(requestType, id, Buffer.from(JSON.stringify(payload))));
    for (;;) {
      if (this.received.length >= headerBytes) {
        const size = this.received.readUInt32BE(0);
        if (this.received.length >= headerBytes + size) {
          const [head, body] = [this.received.subarray(0, headerBytes), this.received.subarray(headerBytes, headerBytes + size)];
          this.received = this.received.subarray(headerBytes + size);
          return { type: head.readUInt8(4), id: head.readUInt32BE(6), value: JSON.parse(body.toString()) as Answer['value'] };
        }
      }
      await new Promise((resolve) => this.child.stdout.once('data', resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.stdin.end();
    await this.exited;
  }
}

function frame(type: number, id: number, payload: Buffer, sizeBytes = payload.length): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(sizeBytes, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32BE(id, 6);
  return Buffer.concat([header, payload]);
}

const pod = { name: 'intruder', environment: 'suite', network: { profile: 'none' }, limits: {} };

export function helperContract(suite: Suite): void {
  describe('the helper’s contract', () => {
    test('what it does not name, and what has another form, is refused, and the connection goes on', async () => {
      const before = suite.alpha.records();
      await using wire = await Wire.open(suite);
      const refused: [method: unknown, params: unknown, code: string][] = [
        ['pod.format', {}, 'host/protocol'],
        ['constructor', {}, 'host/protocol'],
        ['__proto__', {}, 'host/protocol'],
        ['pod.list', { everything: true }, 'usage/invalid-request'],
        ['pod.list', null, 'usage/invalid-request'],
        ['pod.list', [], 'usage/invalid-request'],
        ['pod.create', { ...pod, name: '../../etc' }, 'usage/invalid-request'],
        ['pod.create', { ...pod, name: 'a\nb' }, 'usage/invalid-request'],
        ['pod.create', { ...pod, command: 'sh -c true' }, 'usage/invalid-request'],
        ['pod.create', { ...pod, command: ['a\0b'] }, 'usage/invalid-request'],
        ['pod.create', { ...pod, geometry: '1x1; reboot' }, 'usage/invalid-request'],
        ['pod.create', { ...pod, limits: { memoryBytes: -1 } }, 'usage/invalid-request'],
        ['pod.create', { ...pod, network: { profile: 'lan', address: '10.0.0.256', prefixLength: 24 } }, 'usage/invalid-request'],
        ['pod.create', { ...pod, privileged: true }, 'usage/invalid-request'],
        ['pod.delete', { pod: '*' }, 'usage/invalid-request'],
        ['pod.exec', { pod: 'intruder', command: [], detach: false }, 'usage/invalid-request'],
        ['pod.logs', { pod: 'intruder', lines: 1e12 }, 'usage/invalid-request'],
        ['environment.remove', { environment: '../../../etc' }, 'usage/invalid-request'],
        ['transfer.receive', { transfer: '../x', key: '00', relay: false }, 'usage/invalid-request'],
        ['transfer.send', { transfer: '0'.repeat(16), key: '0'.repeat(64), peer: { addresses: ['evil.example'], port: 80 }, job: { kind: 'move', pod: 'intruder', resume: true } }, 'usage/invalid-request'],
        ['pod.show', { pod: 'intruder' }, 'pod/unknown'],
      ];
      let id = 1;
      for (const [method, params, code] of refused) {
        const answer = await wire.request(id, { method, params });
        expect({ id: answer.id, type: answer.type, code: answer.value.code }, `${String(method)} ${JSON.stringify(params)}`).toEqual({ id, type: 3, code });
        id++;
      }
      expect(await wire.request(id, { method: 'environment.list', params: {} })).toMatchObject({ type: 2 });
      expect(suite.alpha.records()).toEqual(before);
    });

    test.each([
      { what: 'a frame that claims to be larger than any may be', bytes: frame(requestType, 1, Buffer.alloc(0), 2 ** 31) },
      { what: 'a frame of no known type', bytes: frame(99, 1, Buffer.alloc(0)) },
      { what: 'a request that is not JSON', bytes: frame(requestType, 1, Buffer.from('{"method":')) },
      { what: 'a request that is not an object', bytes: frame(requestType, 1, Buffer.from('null')) },
      { what: 'noise', bytes: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 197 + 31) & 255)) },
    ].map(({ what, bytes }) => [what, bytes] as const))('%s ends the connection, and the helper with it', async (_what, bytes) => {
      const before = suite.alpha.records();
      await using wire = await Wire.open(suite);
      wire.send(bytes);
      expect(await wire.exited).toBe(0);
      expect(suite.alpha.records()).toEqual(before);
    });

    test('it serves nobody but root', async () => {
      const program = join('/var/lib/zap/helper', readdirSync(suite.alpha.path('var/lib/zap/helper'))[0]!, 'zap-helper');
      await expect(suite.lab.exec('alpha', ['setpriv', '--reuid', '1000', '--clear-groups', program, 'serve'])).rejects.toThrow(/root/);
    });
  });
}
