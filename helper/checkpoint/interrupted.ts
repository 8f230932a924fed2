/** What is said of a dump in which CRIU was killed while it worked in the processes. */
import { ZapError } from '../protocol/errors';
import type { PodRecord, RunningState } from '../pod/record';

export interface Interruption {
  /** Processes that have ended with CRIU. */
  lost: readonly number[];
  /** Its warden has stopped all before anything could run, connections too. */
  isRescued?: boolean;
  /** Of all that there were. */
  names: ReadonlyMap<number, string>;
  cause: unknown;
}

export function interruptedDump({ name, state }: Pick<PodRecord, 'name'> & { state: Pick<RunningState, 'init'> }, { lost, isRescued = false, names, cause }: Interruption): ZapError {
  const { evidence } = ZapError.from(cause);
  const began = `CRIU was killed while it took the checkpoint of POD "${name}"`;
  if (lost.length === 0) {
    return new ZapError('criu/died', `${began}. The POD runs on${isRescued ? ' as if nothing had been' : '; connections that were in use at that moment may have been broken'}.`, { hint: 'Try again.', evidence, cause, data: { pod: name } });
  }
  const programs = lost.map((pid) => names.get(pid) ?? String(pid));
  const listed = programs.map((program) => `"${program}"`).join(', ');
  return new ZapError('criu/died-with-processes', lost.includes(state.init.pid) ? `${began}, and all of the POD's processes ended with it. Its files are kept.` : `${began}, and ${listed} ended with it. The rest of the POD runs on.`, {
    hint: 'A process that CRIU is at work in, in the moment in which it is killed, cannot be saved.',
    evidence,
    cause,
    data: { pod: name, lost: programs },
  });
}
