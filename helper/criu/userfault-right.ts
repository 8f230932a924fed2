/**
 * The right of restored processes to make userfault descriptors.
 *
 * A process in a POD's user namespace may only where `vm.unprivileged_userfaultfd` is 1, for everybody; on most hosts it is 0. So it is 1 for the moments of
 * such a restore, and what it was before when the last of them has ended, or, should their helpers have died, when the next helper starts.
 */
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfThere } from '../system/atomic-file';
import { Lock } from '../system/lock';
import { identify, isAlive } from '../system/process';
import { hasFaultEvents } from '../system/user-faults';

const setting = '/proc/sys/vm/unprivileged_userfaultfd';
const allowed = '1';
const was = 'was';

/** Kernels before 5.2 allow it to everybody. */
function readSetting(file = setting): string {
  return readFileIfThere(file)?.trim() ?? allowed;
}

/** Whether a restore here may leave memory out, to be put in place when the POD runs. */
export function canFill(): boolean {
  if (!hasFaultEvents()) return false;
  if (readSetting() === allowed) return true;
  try {
    accessSync(setting, constants.W_OK);
    return true;
  } catch {
    return false; // in a container, perhaps
  }
}

/** `directory`: a note of each restore, on a file system that ends with the boot. */
export class UserfaultRight implements AsyncDisposable {
  private constructor(
    private readonly directory: string,
    private readonly note: string,
    private readonly file: string,
  ) {}

  static async take(directory: string, file = setting): Promise<UserfaultRight> {
    using _lock = await lockOf(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const value = readSetting(file);
    const self = identify(process.pid)!;
    const note = join(directory, `${self.pid}-${self.startTicks}-${Math.random().toString(36).slice(2)}`);
    writeFileSync(note, '', { mode: 0o600 });
    if (value !== allowed) {
      writeFileSync(join(directory, was), value, { mode: 0o600 });
      writeFileSync(file, allowed);
    }
    return new UserfaultRight(directory, note, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _lock = await lockOf(this.directory);
    rmSync(this.note, { force: true });
    putBackUnlessNeeded(this.directory, this.file);
  }
}

/** At a helper's start. */
export async function putUserfaultRightBack(directory: string, file = setting): Promise<void> {
  if (entriesOf(directory).length === 0) return;
  using _lock = await lockOf(directory);
  putBackUnlessNeeded(directory, file);
}

function putBackUnlessNeeded(directory: string, file: string): void {
  const notes = entriesOf(directory).filter((name) => name !== was);
  for (const name of notes) {
    const [pid, startTicks] = name.split('-').map(Number) as [number, number];
    if (isAlive({ pid, startTicks })) return;
  }
  if (entriesOf(directory).includes(was)) writeFileSync(file, readFileSync(join(directory, was), 'utf8'));
  rmSync(directory, { recursive: true, force: true });
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function lockOf(directory: string): Promise<Lock> {
  return Lock.take(`${directory}.lock`);
}
