/** Another way to take running programs from one host to another. */
import { ZapError } from '../../../helper/protocol/errors';
import type { Lab } from '../../lab';
import type { Host } from '../bench-lab';
import type { Place } from '../scenarios';

export interface PeerSteps {
  checkpointMs: number;
  copyMs: number;
  restoreMs: number;
  /** What went over the wire. */
  bytes: number;
}

export interface Container extends Place {
  /** To the other host: checkpoint, copy, restore, one after the other as its manual says. */
  move(to: Host): Promise<PeerSteps>;
  remove(): Promise<void>;
}

export interface ContainerRequest {
  /** Last byte of its address. */
  number: number;
  environment: string;
  digest: string;
  user: string;
  command?: readonly string[];
}

export interface Peer {
  name: string;
  create(request: ContainerRequest): Promise<Container>;
}

export async function timed<T>(act: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const startedMs = performance.now();
  const result = await act();
  return { ms: performance.now() - startedMs, result };
}

/** What failed, with the complaints that its logs hold. */
export async function withLogs<T>(lab: Lab, host: Host, directories: readonly string[], act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const error = ZapError.from(thrown);
    const { stdout } = await lab.exec(host, ['sh', '-c', 'find "$@" -name "*.log" 2>/dev/null | xargs -r grep -hE "Error|error" | tail -n 8', 'sh', ...directories]).catch(() => ({ stdout: '' }));
    throw new ZapError(error.code, error.message, { evidence: [...(error.evidence ?? []), ...stdout.trim().split('\n')], cause: error });
  }
}
