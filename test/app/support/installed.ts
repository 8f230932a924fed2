/**
 * The app and its Electron as an unprivileged user finds them: readable for everybody, owned by somebody else.
 *
 * Chromium's sandbox is off for root and only for root, so the app is tested as a user. The copies are hard links where the file system allows it.
 */
import { chmodSync, cpSync, existsSync, lchownSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { resolveElectron } from '../../../assets/electron/resolve.mjs';

const top = join(import.meta.dirname, '../../..');
/** "nobody": has no files, no groups and no rights anywhere. */
export const USER_ID = 65534;

export interface Installed {
  /** Starts Electron, as the user where we are root. */
  executable: string;
  app: string;
  /** Chromium's sandbox is on. */
  isSandboxed: boolean;
  /** Makes a directory, with all that is in it, the user's. */
  give(path: string): void;
  remove(): void;
}

export async function install(): Promise<Installed> {
  const { executable } = await resolveElectron({ say: () => {} });
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) return { executable, app: join(top, 'dist/app'), isSandboxed: true, give: () => {}, remove: () => {} };
  const root = mkdtempSync(join(tmpdir(), 'zap-installed-'));
  const electron = join(root, 'electron');
  linkTree(dirname(executable), electron);
  for (const name of ['app', 'zap-helper', 'zap-helper.sha256', 'environments.json', 'criu.bundle']) {
    if (existsSync(join(top, 'dist', name))) linkTree(join(top, 'dist', name), join(root, 'dist', name));
  }
  openToAll(root);
  const start = join(root, 'start');
  writeFileSync(start, `#!/bin/sh\nexec setpriv --reuid=${USER_ID} --regid=${USER_ID} --clear-groups --no-new-privs -- ${electron}/electron "$@"\n`, { mode: 0o755 });
  return { executable: start, app: join(root, 'dist/app'), isSandboxed: true, give, remove: () => rmSync(root, { recursive: true, force: true }) };
}

function linkTree(from: string, to: string): void {
  if (statSync(from).isDirectory()) {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from)) linkTree(join(from, name), join(to, name));
    return;
  }
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

/** mkdtemp makes what only its owner may enter. */
function openToAll(root: string): void {
  for (const path of [root, ...readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name))]) {
    if (statSync(path).isDirectory()) chmodSync(path, 0o755);
  }
}

function give(path: string): void {
  for (const name of ['', ...readdirSync(path, { recursive: true, encoding: 'utf8' })]) lchownSync(join(path, name), USER_ID, USER_ID);
}
