/**
 * The only door between a page and the rest: call, listen, connect.
 *
 * Nothing is checked here: the main process checks, because it need not trust this process.
 */
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import type { CallResult, ZapBridge } from '../contract';
import { channels } from './wire';

/** The page's own, of which this program otherwise knows nothing. */
declare const window: { readonly origin: string; postMessage(message: unknown, targetOrigin: string, transfer: readonly unknown[]): void };

const listeners = new Map<string, Set<(data: unknown) => void>>();
ipcRenderer.on(channels.event, (_event: IpcRendererEvent, name: string, data: unknown) => {
  for (const listener of listeners.get(name) ?? []) listener(data);
});

const connecting = new Map<string, (result: CallResult<null>) => void>();
ipcRenderer.on(channels.connected, (_event: IpcRendererEvent, id: string, result: CallResult<null>) => {
  connecting.get(id)?.(result);
  connecting.delete(id);
});

const bridge: ZapBridge = {
  call: (name, input) => ipcRenderer.invoke(channels.call, name, input),
  listen(name, onEvent) {
    const listener = (data: unknown): void => onEvent(data as never);
    const those = listeners.get(name) ?? new Set();
    listeners.set(name, those.add(listener));
    return () => void those.delete(listener);
  },
  async connect(name, input, id) {
    const { port1, port2 } = new MessageChannel();
    const result = await new Promise<CallResult<null>>((resolve) => {
      connecting.set(id, resolve);
      ipcRenderer.postMessage(channels.connect, { name, input, id }, [port2]);
    });
    // A port does not pass the bridge between the two worlds of the page, a message of the window to itself does.
    if (result.ok) window.postMessage({ zapStream: id }, window.origin, [port1]);
    else port1.close();
    return result;
  },
};

contextBridge.exposeInMainWorld('zap', bridge);
