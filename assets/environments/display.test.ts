import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'zap-display-'));
  for (const name of ['bin', 'run', 'zap', 'tmp']) mkdirSync(join(base, name));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function program(path: string, script: string): void {
  writeFileSync(join(base, path), `#!/bin/sh\n${script}\n`);
  chmodSync(join(base, path), 0o755);
}

// On a busy machine one pipe for both answers for the bus before there is one: the desktop then waits for its bus for ever.
test.each(['desktop', 'desktop-xfce'])('%s: the desktop begins behind the session bus; it and the display server tell by a pipe each', (environment) => {
  const script = readFileSync(join(import.meta.dirname, environment, 'files/usr/lib/zap/display'), 'utf8');
  writeFileSync(join(base, 'display'), script.replaceAll('/usr/lib/zap/', `${base}/zap/`).replaceAll('/tmp/.', `${base}/tmp/.`).replaceAll('/run/zap/', `${base}/run/`));
  program('bin/xauth', '');
  program('bin/mcookie', 'echo 0');
  program('bin/Xtigervnc', `readlink /proc/self/fd/3 >${base}/display-pipe; echo 1 >&3; sleep 0.3`);
  program('bin/dbus-daemon', `readlink /proc/self/fd/3 >${base}/bus-pipe; sleep 0.1; touch ${base}/run/bus; echo address >&3`);
  program('zap/desktop', `test -e ${base}/run/bus && echo "the bus is there"`);
  const said = execFileSync('/bin/sh', [join(base, 'display')], { encoding: 'utf8', timeout: 20_000, env: { PATH: `${base}/bin:/usr/bin:/bin`, XDG_RUNTIME_DIR: join(base, 'run'), ZAP_GEOMETRY: '800x600' } });
  expect(said).toBe('the bus is there\n');
  expect(readFileSync(join(base, 'bus-pipe'), 'utf8')).not.toBe(readFileSync(join(base, 'display-pipe'), 'utf8'));
});
