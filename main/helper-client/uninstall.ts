/**
 * What Zap has put on a host, taken away again.
 *
 * A script and not a call of the helper, so that it also works where the helper does not, and nothing of the helper is at work when its files go.
 */
import { ZapError } from '../../helper/protocol/errors';
import { lastLines, type Transport } from '../ssh/transport';
import { allExecutables, HELPER_ROOT, installedPath, type HelperExecutable } from './executable';
import { startFailure } from './install';
import type { RootAccess } from './root-access';

const HAS_PODS_STATUS = 69;
const IS_BUSY_STATUS = 75;
const LEFTOVERS_STATUS = 73;

/** The helpers that run, one line each: their digest and process. */
const runningHelpers = `for exe in /proc/[0-9]*/exe; do path=$(readlink "$exe" 2>/dev/null) || continue; case "$path" in ${HELPER_ROOT}/*) pid=\${exe#/proc/}; name=\${path#${HELPER_ROOT}/}; echo "\${name%%/*} \${pid%/exe}" ;; esac; done`;

/** A directory that is a mount point of its own stays, empty. What it finds is marked, since login shells print things of their own. */
const uninstallScript = String.raw`
set -u
tell() { while read -r line; do echo "found $line"; done; }
pods=$(for record in /var/lib/zap/pods/*/pod.json; do [ -e "$record" ] && sed -n 's/^ *"name": "\([a-z0-9-]*\)",*$/\1/p' "$record" | head -n 1; done)
if [ -n "$pods" ] || [ -n "$(ls -A /var/lib/zap/pods 2>/dev/null)" ]; then printf '%s\n' $pods | tell; exit ${HAS_PODS_STATUS}; fi
running() { ${runningHelpers}; }
busy=$(running)
tries=0
# One whose connection has just ended is about to end.
while [ -n "$busy" ] && [ $tries -lt 30 ]; do sleep 0.1; tries=$((tries + 1)); busy=$(running); done
if [ -n "$busy" ]; then echo "$busy" | tell; exit ${IS_BUSY_STATUS}; fi
groups() { while read -r _ _ _ _ point rest; do case "$rest" in *' - cgroup'*) [ -d "$point/zap" ] && echo "$point/zap" ;; esac; done </proc/self/mountinfo; }
for group in $(groups); do find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null; done
if [ -e /sys/class/net/zap0 ]; then ip link delete zap0; fi
if command -v nft >/dev/null && nft list table ip zap >/dev/null 2>&1; then nft delete table ip zap; fi
while read -r _ _ _ _ point _; do case "$point" in /run/zap/*) umount -l "$point" ;; esac; done </proc/self/mountinfo
rm -rf --one-file-system /run/zap /var/tmp/zap-helper-* /tmp/zap-criu-??????
rmdir /tmp/zap-probe-root-?????? 2>/dev/null # never rm: a self-test that was killed leaves the host's whole file system mounted there
find /var/lib/zap -xdev -mindepth 1 -maxdepth 1 -exec rm -rf --one-file-system {} + 2>/dev/null
rmdir /var/lib/zap 2>/dev/null
left=$(groups; for path in /run/zap /sys/class/net/zap0 /var/tmp/zap-helper-*; do [ -e "$path" ] && echo "$path"; done; ls -A /var/lib/zap 2>/dev/null; nft list table ip zap 2>/dev/null | head -n 1)
if [ -n "$left" ]; then echo "$left" | tell; exit ${LEFTOVERS_STATUS}; fi
exit 0
`;

/** Removes every trace of Zap; refused while PODs exist or a helper runs. */
export async function uninstall(transport: Transport, host: string, root: RootAccess): Promise<void> {
  const { status, stdout, stderr } = await root.capture(transport, ['sh', '-c', uninstallScript, 'zap']);
  const said = lastLines(stdout, 50).filter((line) => line.startsWith('found ')).map((line) => line.slice('found '.length));
  const data = { host, found: said };
  switch (status) {
    case 0:
      return;
    case HAS_PODS_STATUS:
      throw new ZapError('host/has-pods', `There are PODs on ${host}${said.length > 0 ? `: ${said.join(', ')}` : ''}.`, { hint: 'Move or delete them first.', data });
    case IS_BUSY_STATUS:
      throw new ZapError('host/helper-busy', `A helper is at work on ${host}: ${said.map((line) => `process ${line.split(' ')[1] ?? '?'}`).join(', ')}.`, { hint: 'Wait until it has finished, and end other connections of Zap to this host.', data });
    case LEFTOVERS_STATUS:
      throw new ZapError('host/leftovers', `Zap is removed from ${host}, but this could not be: ${said.join(', ')}.`, { hint: 'Remove it by hand.', data });
  }
  throw startFailure(host, status, stderr) ?? new ZapError('host/connection-lost', `The connection to ${host} ended while Zap was removed.`, { data });
}

export interface OtherVersions {
  /** Digests (their first 16 characters) of helpers that were removed. */
  removed: string[];
  /** Of those that were left alone because they run: they have something to finish. */
  running: string[];
}

/** Removes the helpers of all other versions but those that still run. */
export async function removeOtherVersions(transport: Transport, host: string, root: RootAccess, executable: HelperExecutable): Promise<OtherVersions> {
  const script = `running=$(${runningHelpers}); cd ${HELPER_ROOT} || exit 1; for name in *; do [ -d "$name" ] || continue; case " $* " in *" $name "*) continue ;; esac; case "$running" in *"$name "*) echo "running $name" ;; *) rm -rf "./$name" && echo "removed $name" ;; esac; done`;
  const own = allExecutables(executable).map((each) => installedPath(each).slice(HELPER_ROOT.length + 1).split('/')[0]!);
  const { status, stdout, stderr } = await root.capture(transport, ['sh', '-c', script, 'zap', ...own]);
  if (status !== 0) throw startFailure(host, status, stderr) ?? new ZapError('host/connection-lost', `The connection to ${host} ended.`, { data: { host } });
  const of = (what: string): string[] => lastLines(stdout, 100).filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
  return { removed: of('removed'), running: of('running') };
}
