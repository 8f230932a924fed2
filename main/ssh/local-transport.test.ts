import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalTransport } from './local-transport';
import { capture } from './transport';

describe('LocalTransport', () => {
  const transport = new LocalTransport();

  it('starts programs without a shell', async () => {
    expect(await capture(transport, ['sh', '-c', 'printf %s "$1"; echo e >&2; exit 3', 'sh', '$HOME; "'])).toEqual({ status: 3, stdout: '$HOME; "', stderr: 'e\n' });
  });

  it('tells a program that is not there as a shell does', async () => {
    expect(await capture(transport, ['no-such-program'])).toEqual({ status: 127, stdout: '', stderr: 'no-such-program: not found\n' });
  });

  it('says when a signal ended it', async () => {
    expect((await capture(transport, ['sh', '-c', 'kill -9 $$'])).status).toBeNull();
  });

  it('ends what it started by closing its input', async () => {
    const own = new LocalTransport();
    const child = await own.exec(['cat']);
    own.close();
    expect(await child.exit).toBe(0);
  });

  it('copies files', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'zap-local-'));
    try {
      writeFileSync(join(directory, 'a'), 'x');
      await transport.upload(join(directory, 'a'), join(directory, 'b'));
      expect(readFileSync(join(directory, 'b'), 'utf8')).toBe('x');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
