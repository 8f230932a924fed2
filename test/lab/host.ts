/**
 * One host of a lab: its disk, its start, its end.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { childEnvironment, run, start } from '../../helper/system/spawn';
import { bootScript, joinThenExec } from './boot-script';
import { findHierarchies, makeHostGroups, processesInGroups, removeGroups } from './cgroups';
import type { LabConfig, LabHost, LabPlace } from './config';
import { readText } from './json-file';
import { connectHost, deleteLinks, labLinks, waitForCarrier } from './network';
import { killAll, livePid } from './processes';
import { passRealTimeOn } from './real-time';

const diskSizeBytes = 16 * 2 ** 30;
const startWithinMs = 20_000;

/** Starts a host with its own disk, or leaves a running one alone; true when it was started. */
export async function startHost(place: LabPlace, config: LabConfig, host: LabHost, tree: string): Promise<boolean> {
  if (isUp(host)) return false;
  await stopHost(place, host);
  await prepareDisk(place, host);
  const groups = await makeHostGroups(place.labId, host.name);
  await passRealTimeOn(place.labId, host.name);
  const { v1 } = await findHierarchies();

  const logFile = join(host.directory, 'boot.log');
  const log = await open(logFile, 'w', 0o600);
  const boot = ['bash', '-c', bootScript, 'lab-host', host.name, tree, host.directory, ...v1.map((hierarchy) => `${hierarchy.controller}=${hierarchy.options}`)];
  const namespaces = ['unshare', '--cgroup', '--mount', '--pid', '--uts', '--ipc', '--net', '--fork', '--propagation', 'private'];
  // Detached and without this process's descriptors: the host outlives whoever started it.
  const child = start('sh', ['-c', joinThenExec, 'lab-host', ...groups.top, '--', ...namespaces, ...boot], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    cwd: '/',
    env: childEnvironment,
  });
  child.unref();
  await log.close();
  const started = Date.now();
  const failure = async () => {
    const evidence = [(await readText(logFile)) ?? '', (await readText(join(host.directory, 'upper/var/log/sshd.log'))) ?? ''].join('\n').trim();
    return new ZapError('lab/host-failed', `The lab host "${host.name}" did not start.`, { evidence: evidence.split('\n').slice(-20), data: { host: host.name } });
  };
  try {
    let pid: number | undefined;
    while ((pid = livePid(host.directory)) === undefined) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() - started > startWithinMs) throw await failure();
      await delay(3);
    }
    // The parent that waits for the host's first process; left above the leaf it would keep that group from handing controllers down.
    for (const procs of groups.leaf) await writeFile(procs, String(child.pid));
    await connectHost(place, config, host, pid);
    await waitForCarrier(place, host, pid);
    await sshBanner(host).catch(async () => {
      throw await failure();
    });
    await writeFile(join(host.directory, 'up'), '');
  } catch (error) {
    await stopHost(place, host);
    throw error;
  }
  return true;
}

/** A host whose start was interrupted has a first process but is not up. */
export function isUp(host: LabHost): boolean {
  return existsSync(join(host.directory, 'up')) && livePid(host.directory) !== undefined;
}

/** Kills everything of the host as a power cut would; its disk stays. Harmless when it is down. */
export async function stopHost(place: LabPlace, host: LabHost): Promise<void> {
  const pid = livePid(host.directory);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  // Its pid namespace goes with its first process; what is left are programs that entered from outside.
  const survivors = await killAll(() => processesInGroups(place.labId, host.name));
  if (survivors.length > 0) throw new ZapError('lab/will-not-die', `Processes of the lab host "${host.name}" do not end.`, { data: { survivors } });
  await deleteLinks((await labLinks(place)).filter((link) => link.startsWith(host.link))); // its cable and what faults put into it
  for (const record of ['up', 'pid']) await rm(join(host.directory, record), { force: true });
  await removeGroups(place.labId, host.name);
}

async function prepareDisk(place: LabPlace, host: LabHost): Promise<void> {
  for (const directory of ['upper', 'work', 'root']) await mkdir(join(host.directory, directory), { recursive: true });
  await writeFile(join(host.directory, 'lab_authorized_keys'), await readFile(`${place.identityFile}.pub`));
  const hostKey = join(host.directory, 'ssh_host_ed25519_key');
  if (!existsSync(`${hostKey}.pub`)) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', host.name, '-f', hostKey], { input: 'y\n' });
  const image = join(host.directory, 'disk.img');
  if (existsSync(image) || existsSync(join(host.directory, 'disk'))) return;
  if (existsSync('/dev/loop-control')) await makeDiskImage(image);
  else await mkdir(join(host.directory, 'disk'), { recursive: true });
}

/** A sparse ext4 of fixed size, so that a host's disk can run full. No journal: it would cost 64 MB of writes, and a killed host still unmounts cleanly. */
async function makeDiskImage(image: string): Promise<void> {
  const unfinished = `${image}.new`;
  await rm(unfinished, { force: true });
  await writeFile(unfinished, '');
  await truncate(unfinished, diskSizeBytes);
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-O', '^has_journal', '-E', 'lazy_itable_init=1,nodiscard', unfinished]);
  await rename(unfinished, image);
}

/** Waits until sshd answers. */
async function sshBanner(host: LabHost): Promise<void> {
  const giveUpAt = Date.now() + startWithinMs;
  while (!(await readsBanner(host.address))) {
    if (Date.now() > giveUpAt) throw new ZapError('lab/no-sshd', `sshd of the lab host "${host.name}" does not answer.`, { data: { host: host.name } });
    await delay(10);
  }
}

function readsBanner(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 1000 });
    const settle = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('data', (data) => settle(data.toString('latin1').startsWith('SSH-')));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
