/**
 * The helper on a host: there already, or brought there.
 *
 * It lies under a directory named by its digest, which is checked once, when it is installed by root; from then on the path vouches for the content, and
 * starting it costs no hash over 125 MB. One command checks and starts, so that a host which is ready costs one round trip.
 */
import { randomBytes } from 'node:crypto';
import { ZapError } from '../../helper/protocol/errors';
import { capture, type RemoteProcess, type Transport } from '../ssh/transport';
import { HELPER_ROOT, installedPath, type HelperExecutable } from './executable';

/** Said on standard error by the start script when the executable is not there; the free space in KiB follows. */
export const MISSING = 'zap-helper: missing, free KiB:';
const MISMATCH_STATUS = 67;
const KEPT_VERSIONS = 3;

const startScript = [
  'if [ "$(stat -Lc %u:%s "$1" 2>/dev/null)" != "0:$2" ]; then',
  `echo "${MISSING}" $(df -Pk /var/tmp /var/lib 2>/dev/null | while read -r a b c free rest; do echo "$free"; done) >&2; exit 66; fi;`,
  'if [ "$(id -u)" = 0 ]; then exec "$1" serve; fi;',
  'exec sudo -n "$1" serve',
].join(' ');

const installScript = [
  'set -eu; umask 022; tmp=$1; sha=$2; target=$3; dir=${target%/*}; partial=$dir/.partial.$$;',
  `trap 'rm -f "$tmp" "$partial"' EXIT; mkdir -p "$dir"; chmod 0755 ${HELPER_ROOT} "$dir";`,
  'cp "$tmp" "$partial"; chmod 0755 "$partial"; sum=$(sha256sum "$partial");',
  `[ "\${sum%% *}" = "$sha" ] || exit ${MISMATCH_STATUS};`,
  'mv -f "$partial" "$target"; touch "$dir";',
  `cd ${HELPER_ROOT}; ls -1t | tail -n +${KEPT_VERSIONS + 1} | while read -r old; do rm -rf "./$old"; done`,
].join(' ');

export function startInstalled(transport: Transport, executable: HelperExecutable): Promise<RemoteProcess> {
  return transport.exec(['sh', '-c', startScript, 'zap', installedPath(executable), String(executable.sizeBytes)]);
}

export interface InstallOptions {
  freeKib: readonly number[];
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number, totalBytes: number) => void) | undefined;
}

export async function install(transport: Transport, host: string, executable: HelperExecutable, options: InstallOptions): Promise<void> {
  const neededKib = Math.ceil((2 * executable.sizeBytes) / 1024); // the upload, and the copy that root makes of it
  const freeKib = Math.min(...options.freeKib);
  if (options.freeKib.length > 0 && freeKib < neededKib) throw noSpace(host, neededKib, freeKib);

  const temporary = `/var/tmp/zap-helper-${randomBytes(12).toString('hex')}`;
  try {
    await transport.upload(executable.path, temporary, options);
  } catch (error) {
    await capture(transport, ['rm', '-f', temporary]).catch(() => undefined); // the connection may be what failed
    if (error instanceof ZapError) throw error;
    throw new ZapError('host/upload-failed', `The helper could not be copied to ${host}: ${(error as Error).message}`, { hint: 'Is there room in /var/tmp, and is SFTP switched on in its sshd?', cause: error, data: { host } });
  }
  const asRoot = ['sh', '-c', 'if [ "$(id -u)" = 0 ]; then exec "$@"; fi; exec sudo -n "$@"', 'zap'];
  const done = await capture(transport, [...asRoot, 'sh', '-c', installScript, 'zap', temporary, executable.sha256, installedPath(executable)]);
  if (done.status === 0) return;
  await capture(transport, ['rm', '-f', temporary]).catch(() => undefined);
  throw installFailure(host, done.status, done.stderr);
}

/** Why the helper did not start, from what was said on standard error. */
export function startFailure(host: string, status: number | null, stderr: string): ZapError | undefined {
  if (/^sudo: |sudo: not found|sudo: command not found/m.test(stderr)) {
    return new ZapError('host/sudo-refused', `${host} does not let us start the helper as root: sudo is missing, asks for a password or forbids it.`, {
      hint: `Allow it there without a password, e.g. in /etc/sudoers.d/zap: \`USER ALL=(root) NOPASSWD: ALL\`.`,
      evidence: lastLines(stderr),
      data: { host },
    });
  }
  if (/no space left/i.test(stderr)) return noSpace(host);
  if (status === null && stderr.trim() === '') return undefined;
  return new ZapError('host/no-helper', `The helper does not start on ${host}${status === null ? '' : ` (exit status ${status})`}: ${lastLines(stderr).at(-1) ?? 'it said nothing'}`, { evidence: lastLines(stderr), data: { host, status } });
}

function installFailure(host: string, status: number | null, stderr: string): ZapError {
  if (status === MISMATCH_STATUS) {
    return new ZapError('host/helper-mismatch', `The helper arrived damaged on ${host}: its digest is another one.`, { hint: 'Try again; if it stays so, look at the host\'s disk, and at `npm run build` here.', data: { host } });
  }
  return startFailure(host, status, stderr) ?? new ZapError('host/connection-lost', `The connection to ${host} ended while the helper was installed.`, { data: { host } });
}

function noSpace(host: string, neededKib?: number, freeKib?: number): ZapError {
  const numbers = neededKib === undefined ? '' : `: ${Math.ceil(neededKib / 1024)} MiB are needed, ${Math.floor((freeKib ?? 0) / 1024)} MiB are free`;
  return new ZapError('host/no-space', `${host} has no room for the helper${numbers}.`, { hint: 'Free some space in /var/tmp and /var/lib there.', data: { host } });
}

function lastLines(text: string): string[] {
  return text.trim().split('\n').filter((line) => line !== '').slice(-10);
}
