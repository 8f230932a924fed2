/**
 * The sandbox of a POD: an OCI configuration that runc turns into processes once.
 *
 * From then on runc is not needed: CRIU freezes and revives, /proc and cgroup v2 say what lives. Each line here is bound by what a checkpoint can carry;
 * docs/CRIU.md has the reasons.
 */
import { mkdirSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { groupName } from '../system/cgroup';
import { readFileIfThere } from '../system/atomic-file';
import { idsPerPod } from '../system/mounts';
import { identify, type ProcessIdentity } from '../system/process';
import { run } from '../system/spawn';
import { podPaths, runRoot } from './paths';
import type { PodRecord } from './record';
import { seccompProfile } from './seccomp';
import { startPath } from './start-script';

export const podCapabilities = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT', 'CAP_AUDIT_WRITE', 'CAP_NET_RAW'];
/** Needed to make the time namespace inside the user namespace, and dropped by the same first process. */
const firstProcessOnly = ['CAP_SYS_ADMIN', 'CAP_SYS_TIME'];

/** `config.json` of the POD. Shape: OCI runtime specification 1.0. */
export function ociConfiguration(record: PodRecord): object {
  const bounding = [...podCapabilities, ...firstProcessOnly];
  const ids = [{ containerID: 0, hostID: record.uidBase, size: idsPerPod }];
  const drop = '-sys_admin,-sys_time';
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      cwd: '/',
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8', 'HOME=/root', 'TERM=dumb'],
      // A time namespace, made inside the user namespace (made outside, the dump is refused): monotonic clocks go on where they stopped.
      args: ['/usr/bin/unshare', '-T', '--monotonic', '0', '--boottime', '0', '/usr/bin/setpriv', '--bounding-set', drop, '--inh-caps', drop, '/usr/bin/tini', '-g', '--', `/${startPath}`],
      capabilities: { bounding, effective: bounding, permitted: bounding, inheritable: bounding },
      noNewPrivileges: false,
    },
    root: { path: podPaths(record.id).root, readonly: false },
    hostname: record.name,
    // No tmpfs, for each costs CRIU a tar at dump and at restore: /dev lies in the layer, its devices are bind mounts. And no mqueue: CRIU refuses one that
    // has queues in it, and programs do without.
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
      { destination: '/dev/shm', type: 'bind', source: podPaths(record.id).shm, options: ['bind', 'nosuid', 'noexec', 'nodev'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network', 'user'].map((type) => ({ type })),
      uidMappings: ids,
      gidMappings: ids,
      cgroupsPath: groupName(record.id),
      resources: {},
      seccomp: seccompProfile(process.arch),
      // Nothing is masked: what would need it (kcore, timer_list, sysrq-trigger …) is closed to the user namespace by its owner already, and a mask
      // over a file that another host's kernel does not have could not be restored there. The read-only ones exist wherever there is a /proc.
      maskedPaths: [],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys'],
    },
  };
}

const runcRoot = join(runRoot, 'runc');

/** Lets runc build the sandbox; its first process waits, with namespaces made and nothing of the POD run yet. */
export async function createSandbox(record: PodRecord): Promise<ProcessIdentity> {
  const paths = podPaths(record.id);
  const bundle = join(paths.run, 'bundle');
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(ociConfiguration(record)));
  const log = join(bundle, 'runc.log');
  const pidFile = join(bundle, 'pid');
  try {
    await run('runc', ['--root', runcRoot, '--log', log, 'create', '--bundle', bundle, '--pid-file', pidFile, record.id], { timeoutMs: 60_000, captureOutput: false });
  } catch (error) {
    const evidence = (readFileIfThere(log) ?? '').trim().split('\n').slice(-5); // none where runc was killed before it began
    throw new ZapError('pod/sandbox-failed', `The sandbox of POD "${record.name}" could not be built: ${/msg="([^"]*)"/.exec(evidence.at(-1) ?? '')?.[1] ?? ZapError.from(error).message}`, { evidence, cause: error });
  }
  const init = identify(Number(readFileSync(pidFile, 'utf8')));
  if (!init) throw new ZapError('pod/sandbox-failed', `The first process of POD "${record.name}" ended at once.`);
  return init;
}

/** Lets the POD's programs run, and makes runc forget it: from here on the POD is ours. */
export async function startSandbox(record: PodRecord): Promise<void> {
  await run('runc', ['--root', runcRoot, 'start', record.id], { code: 'pod/sandbox-failed', timeoutMs: 60_000 });
  forgetSandbox(record.id);
}

export function forgetSandbox(podId: string): void {
  rmSync(join(runcRoot, podId), { recursive: true, force: true });
  rmSync(join(podPaths(podId).run, 'bundle'), { recursive: true, force: true });
}
