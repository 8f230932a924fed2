/** Segments of System V shared memory. */
import { inNamespace } from './namespace';
import { checked, libc } from './native';

const shmctl = libc<[number, number, null]>('int shmctl(int id, int command, void *buffer)');
const IPC_RMID = 0;

/** Removes segments of a process's namespace: those that are attached somewhere go with their last detach. */
export function removeSegments(pid: number, ids: readonly number[]): void {
  inNamespace(pid, 'ipc', () => {
    for (const id of ids) checked(shmctl(id, IPC_RMID, null), 'shmctl');
  });
}
