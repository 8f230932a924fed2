/** Calls that a person asked for: a failure is told where they are looking, not thrown. */
import type { CallInput, CallName, CallOutput } from '../../main/contract';
import { call, failureOf } from '../bridge/zap';
import { notify } from '../state/desk';

/** Undefined when it failed and the person was told. */
export async function attempt<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N> | undefined> {
  try {
    return await call(name, input);
  } catch (error) {
    notify({ kind: 'call-failed', error: failureOf(error) });
    return undefined;
  }
}

export async function copyText(text: string | undefined): Promise<void> {
  if (text === undefined) return;
  await navigator.clipboard.writeText(text);
  notify({ kind: 'copied' });
}
