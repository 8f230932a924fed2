import { describe, expect, it } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import { endedProcess, wireHelper, wireTransport, type Answers, type WireOptions } from '../../test/fakes/wire-helper';
import { connectHelper } from './connect';
import { MISSING } from './install';
import type { HelperClient } from './client';

const executable = { path: '/dist/zap-helper', sha256: 'ab'.repeat(32), sizeBytes: 1000, machine: 'x86_64' };
const options = { host: 'alpha', executable, isLocal: false };

async function connected(answers: Answers, wire: WireOptions = {}): Promise<HelperClient> {
  return connectHelper(wireTransport(() => wireHelper(answers, wire).process), options);
}

describe('connectHelper', () => {
  it('starts the installed helper and says hello', async () => {
    const argvs: (readonly string[])[] = [];
    const transport = wireTransport((argv) => {
      argvs.push(argv);
      return wireHelper({}).process;
    });
    const client = await connectHelper(transport, options);
    expect(client.hello.hostname).toBe('fake');
    expect(argvs[0]!.slice(-4)).toEqual(['x86_64', '/var/lib/zap/helper/abababababababab/zap-helper', 'ab'.repeat(32), '1000']);
    client.close();
    expect(transport.isClosed).toBe(true);
  });

  it.each([
    ['noise of a login shell', { noise: Buffer.from('Welcome to alpha!\r\n\x1b[0mLast login: …\n') }],
    ['one byte at a time', { bytewise: true, noise: Buffer.from('ZAP/1') }],
  ] as [string, WireOptions][])('gets through %s', async (_name, wire) => {
    const client = await connected({ 'pod.list': () => ({ pods: [] }) }, wire);
    expect(await client.call('pod.list', {})).toEqual({ pods: [] });
    client.close();
  });

  it('installs the helper where it is missing, and only then', async () => {
    let starts = 0;
    const transport = wireTransport((argv) => {
      if (argv[0] === 'sh' && argv.at(-1) === '1000') return starts++ === 0 ? endedProcess(66, { stderr: `${MISSING} 5000000 6000000\n` }) : wireHelper({}).process;
      return endedProcess(0);
    });
    const client = await connectHelper(transport, options);
    expect(transport.uploads).toHaveLength(1);
    expect(transport.uploads[0]).toMatch(/^\/var\/tmp\/zap-helper-[0-9a-f]{24}$/);
    client.close();
  });

  it('brings the executable that is made for the host', async () => {
    const arm = { path: '/dist/zap-helper-arm64', sha256: 'cd'.repeat(32), sizeBytes: 900, machine: 'aarch64' };
    const installs: string[] = [];
    let starts = 0;
    const transport = wireTransport((argv) => {
      if (argv.at(-1) === '900') return starts++ === 0 ? endedProcess(66, { stderr: `${MISSING} 5000000 aarch64\n` }) : wireHelper({}).process;
      installs.push(...argv.slice(-2));
      return endedProcess(0);
    });
    const client = await connectHelper(transport, { ...options, executable: { ...executable, others: [arm] } });
    expect(installs).toEqual([arm.sha256, '/var/lib/zap/helper/cdcdcdcdcdcdcdcd/zap-helper']);
    client.close();
  });

  const missing = endedProcess.bind(undefined, 66, { stderr: `${MISSING} 5000000\n` });
  const table: [name: string, code: string, start: (argv: readonly string[]) => ReturnType<typeof endedProcess>][] = [
    ['sudo asks for a password', 'host/sudo-refused', () => endedProcess(1, { stderr: 'sudo: a password is required\n' })],
    ['sudo is not there', 'host/sudo-missing', () => endedProcess(127, { stderr: 'sh: 1: exec: sudo: not found\n' })],
    ['sudo forbids it', 'host/sudo-refused', () => endedProcess(1, { stderr: 'zap is not in the sudoers file.\n' })],
    ['a host of another architecture', 'host/wrong-architecture', () => endedProcess(66, { stderr: `${MISSING} 5000000 riscv64\n` })],
    ['a read-only disk', 'host/read-only', (argv) => (argv.at(-1) === '1000' ? missing() : endedProcess(1, { stderr: "mkdir: cannot create directory '/var/lib/zap': Read-only file system\n" }))],
    ['a disk that starts no programs', 'host/noexec', (argv) => (argv.at(-1) === '1000' ? missing() : endedProcess(68, { stderr: 'sh: 1: /var/lib/zap/helper/x: Permission denied\nzap-helper: does not run (126)\n' }))],
    ['a C library that is too old', 'host/libc-unfit', (argv) => (argv.at(-1) === '1000' ? missing() : endedProcess(68, { stderr: "/lib/libc.so.6: version `GLIBC_2.28' not found\nzap-helper: does not run (1)\n" }))],
    ['the helper crashes', 'host/no-helper', () => endedProcess(139, { stderr: 'Segmentation fault\n' })],
    ['the connection breaks at once', 'host/no-helper', () => endedProcess(null)],
    ['a shell that only prints', 'host/no-helper', () => endedProcess(0, { stdout: 'This account is not available.\n' })],
    ['no room', 'host/no-space', () => endedProcess(66, { stderr: `${MISSING} 1\n` })],
    ['no room after all', 'host/no-space', (argv) => (argv.at(-1) === '1000' ? missing() : endedProcess(1, { stderr: 'cp: error writing: No space left on device\n' }))],
    ['damaged on its way', 'host/helper-mismatch', (argv) => (argv.at(-1) === '1000' ? missing() : endedProcess(67))],
    ['installed and gone again', 'host/helper-mismatch', (argv) => (argv.at(-1) === '1000' ? missing() : endedProcess(0))],
  ];
  it.each(table)('%s → %s', async (_name, code, start) => {
    const transport = wireTransport(start);
    await expect(connectHelper(transport, options)).rejects.toMatchObject({ code });
    expect(transport.isClosed).toBe(true);
  });

  it('does not wait for a helper that says nothing', async () => {
    const transport = wireTransport(() => ({ ...wireHelper({}, { greeting: Buffer.alloc(0) }).process }));
    await expect(connectHelper(transport, { ...options, greetingTimeoutMs: 50 })).rejects.toMatchObject({ code: 'host/timeout' });
  });

  it('refuses a helper of another time', async () => {
    await expect(connected({ hello: () => ({ protocol: 9, version: 'x', hostname: 'h', bootId: 'b', arch: 'x64', features: [] }) })).rejects.toMatchObject({ code: 'host/helper-mismatch' });
  });
});

describe('HelperClient', () => {
  it('refuses an answer that is not in the contract', async () => {
    const client = await connected({ 'pod.list': () => ({ pods: [], extra: true }) });
    await expect(client.call('pod.list', {})).rejects.toMatchObject({ code: 'internal/protocol' });
    client.close();
  });

  it('ends the connection at an event that is not in the contract', async () => {
    const client = await connected({
      'pod.suspend': async (_params, context) => {
        context.event({ phase: 7 });
        await new Promise(() => {});
      },
    });
    await expect(client.call('pod.suspend', { pod: 'desk', seal: { key: '0'.repeat(64), wrapped: 'x' } }, { onEvent: () => {} })).rejects.toMatchObject({ code: 'host/connection-lost' });
  });

  it('brings errors over with their code, evidence and host', async () => {
    const client = await connected({
      'pod.list': () => {
        throw new ZapError('system/command-failed', 'It failed.', { hint: 'Mend it.', evidence: ['line'], data: { a: 1 } });
      },
    });
    await expect(client.call('pod.list', {})).rejects.toMatchObject({ code: 'system/command-failed', hint: 'Mend it.', evidence: ['line'], data: { a: 1, host: 'alpha' } });
    client.close();
  });

  it('says which host was lost, with the last lines of its log', async () => {
    const helper = wireHelper({ 'pod.list': () => new Promise(() => {}) });
    const client = await connectHelper(wireTransport(() => helper.process), options);
    (helper.process.stderr as import('node:stream').PassThrough).write('fatal: out of memory\n');
    const call = client.call('pod.list', {});
    setTimeout(() => helper.connection.close(), 10);
    await expect(call).rejects.toMatchObject({ code: 'host/connection-lost', message: 'The connection to alpha ended.', evidence: ['fatal: out of memory'] });
  });

  it('survives any cut of the stream with one clean error', async () => {
    for (let cutAfterBytes = 8; cutAfterBytes < 200; cutAfterBytes += 7) {
      const attempt = connected({ 'pod.list': () => ({ pods: [] }) }, { cutAfterBytes }).then((client) => client.call('pod.list', {}));
      const result = await attempt.then(
        () => 'answered',
        (error: unknown) => (error as ZapError).code,
      );
      expect(['answered', 'host/connection-lost', 'host/no-helper']).toContain(result);
    }
  });

  it('does not wait for the answer to a question that was cancelled', async () => {
    const client = await connected({ 'host.selftest': () => new Promise(() => {}) });
    const stop = new AbortController();
    const call = client.call('host.selftest', {}, { signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled/by-user' });
    client.close();
  });

  it('cancels a call', async () => {
    const client = await connected({
      'pod.suspend': (_params, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new ZapError('cancelled/by-user', 'Cancelled.')))),
    });
    const stop = new AbortController();
    const call = client.call('pod.suspend', { pod: 'desk', seal: { key: '0'.repeat(64), wrapped: 'x' } }, { signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled/by-user', exitCode: 130 });
    client.close();
  });
});
