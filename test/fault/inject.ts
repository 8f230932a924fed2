/** Faults as they are made, and unmade. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { findHierarchies, processesInGroups } from '../lab/cgroups';
import { ZapError } from '../../helper/protocol/errors';
import { until } from '../integration/support/until';
import type { FaultLab, Host } from './fault-lab';
import type { Injection } from './plan';
import type { Pod } from './witness';

export interface Scene {
  lab: FaultLab;
  /** Where the fault strikes, and the other end if there is one. */
  host: Host;
  other: Host | undefined;
  pod: Pod;
  /** Lets the helper that stands at the moment go on. */
  goOn: () => void;
  desktop: { kill: () => void };
  /** Resolves when the operation is over. */
  ended: Promise<unknown>;
  /** This host brings processes back, rather than freezing them. */
  isRestoring: boolean;
  isLong: boolean;
  /** For what is to strike in the middle of something: 0 to 40. */
  delayMs: number;
}

/** Long enough for both ends to notice, or not. */
const shortMs = 1_500;
const longMs = 11_000;
/** Who is behind the point of no return waits for its disk. */
const diskComesBackMs = 5_000;
const clockJumpSeconds = 7200;

/** It was over before anything could be done to it. */
export class TooLate extends Error {}

/** Strikes; the returned function puts the world right again. */
export async function inject(injection: Injection, scene: Scene): Promise<() => Promise<void>> {
  const { lab: { lab, views }, host, other, goOn } = scene;
  const view = views[host];
  const nothing = async (): Promise<void> => {};
  const lasting = async (begin: () => Promise<void>, end: () => Promise<void>): Promise<() => Promise<void>> => {
    await begin();
    goOn();
    await delay(scene.isLong ? longMs : shortMs);
    await end();
    return nothing;
  };
  const untilEnded = async (begin: () => Promise<unknown>, end: () => Promise<void>): Promise<() => Promise<void>> => {
    await begin();
    goOn();
    return end;
  };
  const untilEndedOr = async (withinMs: number, begin: () => Promise<unknown>, end: () => Promise<void>): Promise<() => Promise<void>> => {
    await begin();
    goOn();
    await Promise.race([scene.ended, delay(withinMs)]);
    await end();
    return nothing;
  };
  switch (injection) {
    case 'kill helper':
      await view.kill('zap-helper');
      goOn();
      return nothing;
    case 'kill CRIU':
      await view.kill('criu');
      goOn();
      return nothing;
    case 'kill CRIU at work':
      goOn();
      await delay(scene.delayMs);
      await view.kill('criu');
      return nothing;
    case 'kill runc':
      goOn();
      if (!(await killOne('runc', scene))) throw new TooLate();
      return nothing;
    case 'kill desktop':
      scene.desktop.kill();
      await delay(50);
      goOn();
      return nothing;
    case 'cut both':
    case 'cut in':
    case 'cut out':
      return lasting(() => lab.cutLink(host, injection === 'cut both' ? 'both' : injection === 'cut in' ? 'in' : 'out'), () => lab.joinLink(host));
    case 'cut between hosts':
      return lasting(
        async () => void (await lab.exec(host, ['nft', '-f', '-'], { input: `table ip fault { chain input { type filter hook input priority 0; ip saddr ${lab.host(other!).address} drop\n }\n}` })),
        async () => void (await lab.exec(host, ['nft', 'delete', 'table', 'ip', 'fault'])),
      );
    case 'slow link':
      return untilEnded(() => lab.setLink(host, { rateMbit: 10, lossPercent: 3 }), () => lab.clearLink(host));
    case 'power off':
      await lab.killHost(host);
      await scene.lab.boot(host);
      return nothing;
    case 'disk full':
      return untilEndedOr(diskComesBackMs, () => lab.fillDisk(host, 0), () => lab.emptyDisk(host));
    case 'disk read-only':
      return untilEndedOr(diskComesBackMs, () => lab.exec(host, ['mount', '-o', 'remount,bind,ro', '/var/lib/zap']), async () => void (await lab.exec(host, ['mount', '-o', 'remount,bind,rw', '/var/lib/zap'])));
    case 'memory short': {
      const limit = await memoryLimit(lab.place.labId, host);
      const before = readFileSync(limit.path, 'utf8').trim();
      return untilEnded(
        async () => writeFileSync(limit.path, String(limit.usedBytes + (6 << 20))),
        async () => writeFileSync(limit.path, before),
      );
    }
    case 'clock jump':
      // The lab shifts the monotonic clock too, which no host's clock does: a POD's own must not fall below zero by it.
      return untilEnded(() => lab.skewClock(host, scene.isRestoring ? -clockJumpSeconds : clockJumpSeconds), () => lab.skewClock(host, 0));
    case 'stop helper':
      await view.kill('zap-helper', 'SIGSTOP');
      goOn();
      await delay(scene.isLong ? longMs : shortMs);
      await view.kill('zap-helper', 'SIGCONT');
      return nothing;
    case 'kill init': {
      const init = (view.record(scene.pod.name)?.state as { init?: { pid: number }; was?: { init?: { pid: number } } } | undefined);
      const pid = init?.init?.pid ?? init?.was?.init?.pid;
      if (pid !== undefined) await lab.exec(host, ['kill', '-9', String(pid)]).catch(() => {}); // dead already at some moments
      goOn();
      return nothing;
    }
    case 'EIO':
    case 'two desktops':
    case 'same name':
      goOn();
      return nothing;
  }
}

/** As soon as there is one; false when there was none until the operation ended. Whatever is started later is none of this fault's business. */
async function killOne(program: string, { lab: { views }, host, ended }: Scene): Promise<boolean> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  let killed = 0;
  await until(program, async () => isOver || (killed = await views[host].kill(program)) > 0, { withinMs: 20_000, everyMs: 1 }).catch(() => {});
  return killed > 0;
}

async function memoryLimit(labId: string, host: Host): Promise<{ path: string; usedBytes: number }> {
  const { unified, v1 } = await findHierarchies();
  const legacy = v1.find(({ controller }) => controller === 'memory');
  const group = `zap-lab-${labId}/${host}`;
  if (legacy) return { path: `${legacy.path}/${group}/memory.limit_in_bytes`, usedBytes: Number(readFileSync(`${legacy.path}/${group}/memory.usage_in_bytes`, 'utf8')) };
  if (!unified) throw new ZapError('lab/no-memory-controller', 'This machine offers no memory controller.');
  return { path: `${unified}/${group}/memory.max`, usedBytes: Number(readFileSync(`${unified}/${group}/memory.current`, 'utf8')) };
}

/** Nothing that this host was given by a fault is left: for whatever a fault that failed half way left behind. */
export async function mend(lab: FaultLab, hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) {
    if (!lab.isUp(host)) await lab.boot(host);
    for (const pid of await processesInGroups(lab.lab.place.labId, host)) {
      try {
        if (/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, 'latin1')) && !(await isTraced(pid))) process.kill(pid, 'SIGCONT');
      } catch {
        // gone
      }
    }
    await lab.lab.joinLink(host);
    await lab.lab.emptyDisk(host);
    await lab.lab.skewClock(host, 0);
  }
}

async function isTraced(pid: number): Promise<boolean> {
  return !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
}
