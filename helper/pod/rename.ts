/** A new name for a POD, inside and outside. */
import { run } from '../system/spawn';
import { isRunning, saveRecord, type PodRecord } from './record';

/** A running POD's programs see the new host name at once; a suspended one wakes with the name that it was frozen with. */
export async function renamePod(record: PodRecord, name: string): Promise<void> {
  if (isRunning(record)) await run('nsenter', ['--uts', '--target', String(record.state.init.pid), 'hostname', name]);
  record.name = name;
  saveRecord(record);
}
