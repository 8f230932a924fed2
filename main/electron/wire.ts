/** What main process and services say to each other. Both are ours; what comes from a page is checked before it goes this way. */
import type { CallName, CallResult, EventData, EventName, StreamName } from '../contract';

export interface StartOptions {
  zapHome: string;
  /** Where zap-helper and environments.json lie. */
  distDirectory: string;
  canKeepSecrets: boolean;
}

export type ToServices =
  | ({ kind: 'start' } & StartOptions)
  | { kind: 'call'; id: number; name: CallName; input: unknown }
  /** With the port of the stream. */
  | { kind: 'connect'; id: number; name: StreamName; input: unknown }
  | { kind: 'attention'; isWatched: boolean }
  | { kind: 'vault'; id: number; value: string | undefined }
  | { kind: 'stop' };

export type EventMessage = { [N in EventName]: { kind: 'event'; name: N; data: EventData<N> } }[EventName];

export type FromServices =
  | { kind: 'ready' }
  | { kind: 'result'; id: number; result: CallResult<unknown> }
  | EventMessage
  /** The system's store of secrets is only for the main process. */
  | { kind: 'vault'; id: number; act: 'seal' | 'open'; text: string };

/** Names of the channels between preload and main process. */
export const channels = { call: 'zap:call', event: 'zap:event', connect: 'zap:connect', connected: 'zap:connected' } as const;
