/** What of PODs is on a host of the lab, seen from outside through its /proc and its files. */
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { processesInGroups } from '../../lab/cgroups';
import type { Lab } from '../../lab/lab';

export interface PodRecordView {
  id: string;
  name: string;
  uidBase: number;
  state: { kind: string };
}

export type JournalView = { pod: string; role: string; phase: string };

export class HostView {
  constructor(
    private readonly lab: Lab,
    readonly name: string,
  ) {}

  get root(): string {
    return this.lab.rootOf(this.name);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  records(): PodRecordView[] {
    return list(this.path('var/lib/zap/pods')).flatMap((id) => readJson<PodRecordView>(this.path('var/lib/zap/pods', id, 'pod.json')) ?? []);
  }

  record(name: string): PodRecordView | undefined {
    return this.records().find((record) => record.name === name);
  }

  journals(): JournalView[] {
    const directory = this.path('var/lib/zap/transfers');
    return list(directory).filter((file) => file.endsWith('.json')).flatMap((file) => {
      const text = read(join(directory, file)) ?? '';
      const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== ''); // each changes what those before it said
      return lines.length === 0 ? [] : [Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as JournalView];
    });
  }

  /** Processes of a POD, as pids of the host; `isStopped` when it cannot run: it is stopped, or killed and on its way out. */
  processes(uidBase: number): { pid: number; isStopped: boolean }[] {
    return list(this.path('proc')).flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      const status = read(this.path('proc', name, 'status'));
      const uid = Number(/^Uid:\t(\d+)/m.exec(status ?? '')?.[1] ?? -1);
      return uid >= uidBase && uid < uidBase + 65536 ? [{ pid: Number(name), isStopped: /^State:\t[TtZX]/m.test(status!) || isKilled(status!) }] : [];
    });
  }

  namespaces(kind: 'net' | 'mnt' | 'pid' | 'user'): number {
    return new Set(list(this.path('proc')).flatMap((name) => (/^\d+$/.test(name) ? link(this.path('proc', name, 'ns', kind)) : []))).size;
  }

  /** Names everything of a POD that is here. Empty: it left, or was never here. */
  traces({ id, uidBase }: PodRecordView): string[] {
    const mounts = read(this.path('proc/1/mountinfo'))!.split('\n').map((line) => line.split(' ')[4] ?? '');
    const groupRoots = ['sys/fs/cgroup', ...list(this.path('run/cgroup-v1')).map((name) => join('run/cgroup-v1', name))];
    const paths = [
      `sys/class/net/zap${id}`,
      ...groupRoots.map((root) => join(root, 'zap', id)),
      ...['pods', 'images', 'runc'].map((place) => `run/zap/${place}/${id}`),
      ...[id, `${id}.holder`].map((lock) => `run/zap/locks/${lock}`),
      `var/lib/zap/pods/${id}`,
    ];
    return [
      ...this.processes(uidBase).map(({ pid }) => `process ${pid}`),
      ...mounts.filter((point) => point.includes(id)).map((point) => `mount ${point}`),
      ...paths.filter((path) => existsSync(this.path(path))).map((path) => `file /${path}`),
      ...this.journals().filter((journal) => journal.pod === id && journal.phase !== 'settled').map((journal) => `journal ${journal.role} ${journal.phase}`),
    ];
  }

  /** Pids, on this machine, of running programs of the host by the last part of their executable's path. */
  async programs(name: string): Promise<number[]> {
    const pids = await processesInGroups(this.lab.place.labId, this.name);
    return pids.filter((pid) => link(`/proc/${pid}/exe`)[0]?.replace(/ \(deleted\)$/, '').endsWith(`/${name}`) === true);
  }

  /** As a power cut would, but only these programs. Returns how many there were. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const pids = await this.programs(name);
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    return pids.length;
  }
}

/** SIGKILL is signal 9: the lowest bit of the third digit from the right. */
function isKilled(status: string): boolean {
  return [...status.matchAll(/^(?:SigPnd|ShdPnd):\t[0-9a-f]*([0-9a-f])[0-9a-f]{2}$/gm)].some(([, digit]) => (parseInt(digit!, 16) & 1) === 1);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // gone meanwhile
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return [];
  }
}

function readJson<T>(path: string): T | undefined {
  const text = read(path);
  return text === undefined || text === '' ? undefined : (JSON.parse(text) as T);
}
