/** What a view of a stream shows, and how the stream's controls change it. */
import type { Failure, StreamControl } from '../../main/contract';

export type ViewState =
  | { kind: 'connecting' }
  | { kind: 'open'; host: string }
  | { kind: 'paused'; reason: Extract<StreamControl, { type: 'paused' }>['reason']; hasPicture: boolean }
  | { kind: 'closed'; reason: Extract<StreamControl, { type: 'closed' }>['reason']; error?: Failure | undefined };

export function afterControl(state: ViewState, control: Exclude<StreamControl, { type: 'credit' }>): ViewState {
  switch (control.type) {
    case 'opened':
    case 'resumed':
      return { kind: 'open', host: control.host };
    case 'paused':
      return { kind: 'paused', reason: control.reason, hasPicture: state.kind === 'open' || (state.kind === 'paused' && state.hasPicture) };
    case 'closed':
      return { kind: 'closed', reason: control.reason, error: control.error };
  }
}
