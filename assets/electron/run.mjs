/** `npm run app`: the app that was just built, on the Electron of this machine. What follows is handed on to it. */
import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveElectron } from './resolve.mjs';

const top = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

try {
  const { executable } = await resolveElectron();
  const isRoot = process.getuid?.() === 0;
  if (isRoot) console.error('*** Chromium has no sandbox for root: this run goes without. Start it as a user. ***');
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) throw new Error('There is no display here (DISPLAY). To try it without one: xvfb-run -a npm run app');
  const child = spawn(executable, [...(isRoot ? ['--no-sandbox'] : []), join(top, 'dist/app'), ...process.argv.slice(2)], { stdio: 'inherit' });
  child.on('exit', (code, signal) => (process.exitCode = code ?? (signal ? 1 : 0)));
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => child.kill(name));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
