/** Where a host keeps what of its PODs: what shall outlive a restart, and what shall not. */
import { join } from 'node:path';

export const stateRoot = '/var/lib/zap';
export const runRoot = '/run/zap';

/** Of restores for which a setting of the kernel is not what it was. */
export const userfaultRights = join(runRoot, 'userfault');

export interface PodPaths {
  directory: string;
  record: string;
  layer: string;
  work: string;
  /** Images of a suspended POD. */
  checkpoint: string;
  run: string;
  envMount: string;
  root: string;
  /** The POD's /dev/shm: a tmpfs of the host's, carried along by us (CRIU runs tar for a tmpfs of its own). */
  shm: string;
  /** Images of a running transfer, on tmpfs. */
  images: string;
  criu: string;
  /** There from the last look before a freeze until its end: nobody may enter. */
  freezing: string;
  /** There while the images of a POD that stands there frozen are whole; gone with a power cut, as they are. */
  dumped: string;
  /** Which processors the threads had, while CRIU's warden has gathered them on one. */
  processors: string;
  /** Locked for as long as memory is put in place while the POD runs already; holds the pids of those who do it. */
  filling: string;
  clients: string;
  lock: string;
}

export function podPaths(id: string): PodPaths {
  const directory = join(stateRoot, 'pods', id);
  const run = join(runRoot, 'pods', id);
  return {
    directory,
    record: join(directory, 'pod.json'),
    layer: join(directory, 'layer'),
    work: join(directory, 'work'),
    checkpoint: join(directory, 'checkpoint'),
    run,
    envMount: join(run, 'env'),
    root: join(run, 'root'),
    shm: join(run, 'shm'),
    images: join(runRoot, 'images', id),
    criu: join(run, 'criu'),
    freezing: join(run, 'freezing'),
    dumped: join(run, 'dumped'),
    processors: join(run, 'processors'),
    filling: join(run, 'filling'),
    clients: join(run, 'clients'),
    lock: join(runRoot, 'locks', id),
  };
}

/** What whoever puts a POD's memory in place is told of it. */
export function fillingOf(id: string): { podId: string; workDirectory: string; images: string; lock: string } {
  const { criu, images, filling } = podPaths(id);
  return { podId: id, workDirectory: criu, images, lock: filling };
}
