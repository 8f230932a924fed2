/**
 * The helper on a host: there already, or brought there.
 *
 * It lies under a directory named by its digest, which belongs to root, and is hashed by the host before every start: 0.1 s for 115 MB where the hash is
 * OpenSSL's. One command looks, hashes and starts, so that a host which is ready costs one round trip; what is damaged counts as missing.
 */
import { randomBytes } from 'node:crypto';
import { ZapError } from '../../helper/protocol/errors';
import { capture, lastLines, type RemoteProcess, type Transport } from '../ssh/transport';
import { allExecutables, executableFor, HELPER_ROOT, installedPath, type HelperExecutable } from './executable';
import { execAsRoot, isPasswordWanted, isPasswordWrong, PASSWORD_QUESTION, type RootAccess } from './root-access';

/** Said on standard error by the start script when the executable is not there; the free space in KiB and the machine's type follow. */
export const MISSING = 'zap-helper: missing, free KiB:';
/** Said before it by one that is there and is not what it should be. */
const DAMAGED = 'zap-helper: damaged';
const MISMATCH_STATUS = 67;
const DOES_NOT_RUN = 'zap-helper: does not run';
const KEPT_VERSIONS = 3;

/** Sets `$sum` to the digest of `$exe`. The hash of older coreutils takes four times as long as OpenSSL's, which nearly every host with an SSH server has. */
const hash = 'sum=$(openssl dgst -sha256 -r "$exe" 2>/dev/null) || sum=$(sha256sum "$exe"); sum=${sum%% *};';

/** Arguments: machine, path, digest and size of each executable; the first for this machine counts, the last if there is none. */
const startScript = [
  'machine=$(uname -m); while [ $# -gt 4 ]; do case "$machine" in $1) break ;; esac; shift 4; done; exe=$2; why=;',
  'if [ "$(stat -Lc %u:%s "$exe" 2>/dev/null)" = "0:$4" ]; then',
  `${hash} [ "$sum" = "$3" ] || why="${DAMAGED}"; else why="zap-helper: not there"; fi;`,
  'if [ -n "$why" ]; then echo "$why" >&2;',
  `echo "${MISSING}" $(df -Pk /var/tmp /var/lib 2>/dev/null | while read -r a b c free rest; do echo "$free"; done) "$machine" >&2; exit 66; fi;`,
  `set -- "$exe" serve; ${execAsRoot}`,
].join(' ');

/** On this computer, where it lies. */
const startHereScript = `exe=$1; ${hash} [ "$sum" = "$2" ] || { echo "${DAMAGED}" >&2; exit ${MISMATCH_STATUS}; }; set -- "$exe" serve; ${execAsRoot}`;

/** Three versions are kept: a desktop of another version may be at work. One that still runs, with a move to finish, is kept whatever its age. */
const installScript = [
  'set -eu; umask 022; tmp=$1; sha=$2; target=$3; dir=${target%/*}; partial=$dir/.partial.$$;',
  `trap 'rm -rf "$tmp" "$partial"; [ -e "$target" ] || rm -rf "$dir"' EXIT; mkdir -p "$dir"; chmod 0755 ${HELPER_ROOT} "$dir";`,
  'cp "$tmp" "$partial"; chmod 0755 "$partial"; sum=$(sha256sum "$partial");',
  `[ "\${sum%% *}" = "$sha" ] || exit ${MISMATCH_STATUS};`,
  `"$partial" --version >/dev/null || { echo "${DOES_NOT_RUN} ($?)" >&2; exit 68; };`,
  'mv -f "$partial" "$target"; touch "$dir"; running=$(ls -l /proc/[0-9]*/exe 2>/dev/null || :);',
  `cd ${HELPER_ROOT}; ls -1t | tail -n +${KEPT_VERSIONS + 1} | while read -r old; do`,
  `case "$running" in *"${HELPER_ROOT}/$old/"*) ;; *) rm -rf "./$old" ;; esac; done`,
].join(' ');

export function startInstalled(transport: Transport, root: RootAccess, executable: HelperExecutable): Promise<RemoteProcess> {
  const candidates = allExecutables(executable).flatMap((candidate) => [candidate.machine ?? '*', installedPath(candidate), candidate.sha256, String(candidate.sizeBytes)]);
  return root.start(transport, startScript, candidates);
}

export function startHere(transport: Transport, root: RootAccess, { path, sha256 }: HelperExecutable): Promise<RemoteProcess> {
  return root.start(transport, startHereScript, [path, sha256]);
}

export interface MissingHelper {
  freeKib: number[];
  machine: string | undefined;
  /** It is there, with another content. */
  isDamaged: boolean;
}

/** What the start script said about a host that lacks the executable. */
export function parseMissing(stderr: string): MissingHelper | undefined {
  const at = stderr.lastIndexOf(MISSING);
  if (at < 0) return undefined;
  const words = stderr.slice(at + MISSING.length).split('\n')[0]!.trim().split(/\s+/);
  return { freeKib: words.map(Number).filter((value) => value > 0), machine: words.find((word) => /^[a-z]/.test(word)), isDamaged: stderr.slice(0, at).includes(DAMAGED) };
}

export interface InstallOptions {
  root: RootAccess;
  missing: MissingHelper;
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number, totalBytes: number) => void) | undefined;
}

export async function install(transport: Transport, host: string, brought: HelperExecutable, options: InstallOptions): Promise<void> {
  const { freeKib: free, machine } = options.missing;
  const executable = executableFor(brought, machine);
  if (!executable) throw wrongMachine(host, allExecutables(brought), machine!);
  const neededKib = Math.ceil((2 * executable.sizeBytes) / 1024); // the upload, and the copy that root makes of it
  const freeKib = Math.min(...free);
  if (free.length > 0 && freeKib < neededKib) throw noSpace(host, neededKib, freeKib);

  const temporary = `/var/tmp/zap-helper-${randomBytes(12).toString('hex')}`;
  try {
    await transport.upload(executable.path, temporary, options);
  } catch (error) {
    await capture(transport, ['rm', '-f', temporary]).catch(() => undefined); // the connection may be what failed
    if (error instanceof ZapError) throw error;
    const message = (error as Error).message;
    if (/no space|disk quota/i.test(message)) throw noSpace(host);
    throw new ZapError('host/upload-failed', `The helper could not be copied to ${host}: ${message}`, { hint: 'May you write in /var/tmp there, and is there room?', cause: error, data: { host } });
  }
  const done = await options.root.capture(transport, ['sh', '-c', installScript, 'zap', temporary, executable.sha256, installedPath(executable)]);
  if (done.status === 0) return;
  await capture(transport, ['rm', '-f', temporary]).catch(() => undefined);
  throw installFailure(host, done.status, done.stderr);
}

/** Why the helper did not start, from what was said on standard error. */
export function startFailure(host: string, status: number | null, stderr: string): ZapError | undefined {
  const evidence = lastLines(stderr.replaceAll(PASSWORD_QUESTION, ''));
  const options = { evidence, data: { host } };
  if (isPasswordWrong(stderr)) return new ZapError('host/sudo-password-wrong', `sudo on ${host} does not take the password.`, { ...options, hint: 'It is the password of the user you log in as.' });
  if (isPasswordWanted(stderr)) {
    return new ZapError('host/sudo-refused', `sudo on ${host} asks for a password, and there is nobody here to ask.`, { ...options, hint: 'Run this on a terminal, or allow it there without a password, e.g. in /etc/sudoers.d/zap: `USER ALL=(root) NOPASSWD: ALL`.' });
  }
  if (/sudo: not found|sudo: command not found|sudo: inaccessible or not found/m.test(stderr)) {
    return new ZapError('host/sudo-missing', `There is no sudo on ${host}, and the user is not root.`, { ...options, hint: 'Install sudo there, or log in as root.' });
  }
  if (/^sudo: |not in the sudoers|may not run sudo|not allowed to (?:execute|run)/m.test(stderr)) {
    return new ZapError('host/sudo-refused', `${host} does not let us start the helper as root: sudo forbids it.`, { ...options, hint: 'Allow it there, e.g. in /etc/sudoers.d/zap: `USER ALL=(root) NOPASSWD: ALL`.' });
  }
  if (/no space left|disk quota exceeded/i.test(stderr)) return noSpace(host);
  if (/read-only file system/i.test(stderr)) return new ZapError('host/read-only', `${HELPER_ROOT} cannot be made on ${host}: its file system is read-only.`, { ...options, hint: 'Make /var/lib/zap writable there, e.g. by mounting a file system on it.' });
  if (/exec format error|cannot execute binary file/i.test(stderr)) return new ZapError('host/wrong-architecture', `The helper of this build does not run on the processor of ${host}.`, options);
  if (status === 68 || status === 126 || stderr.includes(DOES_NOT_RUN)) {
    if (/permission denied/i.test(stderr)) return new ZapError('host/noexec', `Programs may not be started from ${HELPER_ROOT} on ${host}: it is mounted noexec, or a security policy forbids it.`, { ...options, hint: 'Mount /var/lib/zap there without noexec.' });
    if (/GLIBC|shared object|not found/.test(stderr)) return new ZapError('host/libc-unfit', `The helper needs the GNU C library 2.28 or newer, which ${host} does not have.`, options);
  }
  if (status === MISMATCH_STATUS && stderr.includes(DAMAGED)) return new ZapError('host/helper-mismatch', `The helper on ${host} is damaged: its digest is another one.`, { ...options, hint: 'Run `npm run build`.' });
  if (status === null && stderr.trim() === '') return undefined;
  return new ZapError('host/no-helper', `The helper does not start on ${host}${status === null ? '' : ` (exit status ${status})`}: ${evidence.at(-1) ?? 'it said nothing'}`, { evidence, data: { host, status } });
}

function installFailure(host: string, status: number | null, stderr: string): ZapError {
  if (status === MISMATCH_STATUS) {
    return new ZapError('host/helper-mismatch', `The helper arrived damaged on ${host}: its digest is another one.`, { hint: 'Try again; if it stays so, look at the host\'s disk, and at `npm run build` here.', data: { host } });
  }
  return startFailure(host, status, stderr) ?? new ZapError('host/connection-lost', `The connection to ${host} ended while the helper was installed.`, { data: { host } });
}

function wrongMachine(host: string, ours: readonly HelperExecutable[], theirs: string): ZapError {
  const made = ours.map(({ machine }) => machine).join(' and ');
  return new ZapError('host/wrong-architecture', `${host} is a ${theirs} machine; the helper of this build is for ${made}.`, { hint: theirs === 'aarch64' ? 'Build it for that processor too: `npm run build -- --arch arm64`.' : 'Zap has no helper for that processor.', data: { host, machine: theirs } });
}

function noSpace(host: string, neededKib?: number, freeKib?: number): ZapError {
  const numbers = neededKib === undefined ? '' : `: ${Math.ceil(neededKib / 1024)} MiB are needed, ${Math.floor((freeKib ?? 0) / 1024)} MiB are free`;
  return new ZapError('host/no-space', `${host} has no room for the helper${numbers}.`, { hint: 'Free some space in /var/tmp and /var/lib there.', data: { host } });
}
