/** The way to the services: what the preload offers, with failures thrown and ports handed out. */
import type { CallInput, CallName, CallOutput, EventData, EventName, Failure, StreamInput, StreamName, StreamPortMessage, ZapBridge } from '../../main/contract';

declare global {
  interface Window {
    readonly zap: ZapBridge;
  }
}

/** An expected failure of a call; the prose is the services' own. */
export class CallFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = 'CallFailure';
  }
}

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof CallFailure) return thrown.failure;
  return { code: 'internal/unexpected', message: thrown instanceof Error ? thrown.message : String(thrown) };
}

export async function call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  const result = await window.zap.call(name, input);
  if (!result.ok) throw new CallFailure(result.error);
  return result.value;
}

export function listen<N extends EventName>(name: N, onEvent: (data: EventData<N>) => void): () => void {
  return window.zap.listen(name, onEvent);
}

/** A stream's port; the caller starts and closes it. */
export async function connect<N extends StreamName>(name: N, input: StreamInput<N>): Promise<MessagePort> {
  const id = crypto.randomUUID();
  const arrival = portOf(id);
  const result = await window.zap.connect(name, input, id);
  if (!result.ok) {
    arrival.stop();
    throw new CallFailure(result.error);
  }
  return arrival.port;
}

function portOf(id: string): { port: Promise<MessagePort>; stop: () => void } {
  let stop = (): void => {};
  const port = new Promise<MessagePort>((resolve) => {
    const onMessage = (event: MessageEvent): void => {
      if (event.source !== window || (event.data as StreamPortMessage | null)?.zapStream !== id || !event.ports[0]) return;
      stop();
      resolve(event.ports[0]);
    };
    stop = () => window.removeEventListener('message', onMessage);
    window.addEventListener('message', onMessage);
  });
  return { port, stop };
}
