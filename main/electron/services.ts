/** The services' own process: the contract answered over the port to the main process. */
import type { MessagePortMain } from 'electron';
import type { EventData, EventName } from '../contract';
import { Services } from '../services/services';
import type { StreamRequest } from '../streams/open';
import type { StreamPort } from '../streams/view';
import { asFailure } from '../tasks/board';
import { ZapError } from '../../helper/protocol/errors';
import type { FromServices, StartOptions, ToServices } from './wire';

const main = process.parentPort;
const say = (message: FromServices): void => main.postMessage(message);

const asked = new Map<number, (value: string | undefined) => void>();
let nextId = 1;
let services: Promise<Services> | undefined;

main.on('message', ({ data, ports }) => hear(data as ToServices, ports));
process.on('unhandledRejection', (reason) => console.error(reason)); // one fault is no reason to let go of all hosts

function hear(message: ToServices, ports: MessagePortMain[]): void {
  switch (message.kind) {
    case 'start':
      services = open(message);
      services.then(() => say({ kind: 'ready' }), (error: Error) => console.error(error));
      return;
    case 'call':
      return void withServices(message.id, (those) => those.call(message.name, message.input));
    case 'connect':
      return void withServices(message.id, async (those) => {
        those.connect({ name: message.name, input: message.input } as StreamRequest, streamPort(ports[0]!));
        return { ok: true, value: null };
      });
    case 'attention':
      return void services?.then((those) => those.attend(message.isWatched), () => {});
    case 'vault':
      asked.get(message.id)?.(message.value);
      asked.delete(message.id);
      return;
    case 'stop':
      return void leave();
  }
}

function streamPort(port: MessagePortMain): StreamPort {
  return {
    post: (message) => port.postMessage(message),
    listen(onMessage, onClose) {
      port.on('message', ({ data }) => onMessage(data));
      port.once('close', onClose);
      port.start();
    },
    close: () => port.close(),
  };
}

function open({ zapHome, distDirectory, canKeepSecrets }: StartOptions): Promise<Services> {
  const ask = (act: 'seal' | 'open', text: string): Promise<string | undefined> =>
    new Promise((resolve) => {
      const id = nextId++;
      asked.set(id, resolve);
      say({ kind: 'vault', id, act, text });
    });
  const emit = <N extends EventName>(name: N, data: EventData<N>): void => say({ kind: 'event', name, data } as FromServices);
  return Services.open({ zapHome, distDirectory, emit, vault: { canKeep: canKeepSecrets, seal: (text) => ask('seal', text), open: (text) => ask('open', text) } });
}

async function withServices(id: number, act: (services: Services) => Promise<Extract<FromServices, { kind: 'result' }>['result']>): Promise<void> {
  try {
    if (!services) throw new ZapError('internal/unexpected', 'The services were not started.');
    say({ kind: 'result', id, result: await act(await services) });
  } catch (error) {
    say({ kind: 'result', id, result: { ok: false, error: asFailure(ZapError.from(error)) } });
  }
}

async function leave(): Promise<void> {
  await services?.then((those) => those.close()).catch(() => {});
  process.exit(0);
}
