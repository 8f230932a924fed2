import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
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

  it('opens terminals: what is typed, what is shown, sizes and the exit status', async () => {
    vi.stubEnv('SHELL', '/bin/sh');
    vi.stubEnv('PS1', '$ ');
    try {
      const { stream, resize, exit } = await transport.openTerminal({ columns: 90, rows: 20, term: 'xterm' });
      let shown = '';
      stream.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      const shows = async (pattern: RegExp): Promise<void> => vi.waitFor(() => expect(shown).toMatch(pattern), { timeout: 10_000 });
      stream.write('stty size; tty; echo "$TERM" ü\r');
      await shows(/20 90\r\n\/dev\/pts\/\d+\r\nxterm ü\r\n/);
      resize({ columns: 71, rows: 11 });
      stream.write('stty size\r');
      await shows(/11 71\r\n/);
      stream.write('seq 200000; exit 5\r'); // more than anybody takes at once
      expect(await exit).toBe(5);
      await shows(/\r\n200000\r\n/);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('hangs up the terminals that are open when it is closed', async () => {
    const own = new LocalTransport();
    const { stream, exit } = await own.openTerminal({ columns: 80, rows: 24, term: 'xterm' });
    stream.resume();
    own.close();
    expect(await exit).not.toBe(0);
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
