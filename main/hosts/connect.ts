/** From a host's name to an open transport. */
import { openSsh } from '../ssh/ssh-transport';
import { LocalTransport } from '../ssh/local-transport';
import type { Transport } from '../ssh/transport';
import { LOCAL, type Inventory } from './inventory';

export async function openHost(inventory: Inventory, name: string, options: { signal?: AbortSignal | undefined } = {}): Promise<Transport> {
  if (name === LOCAL) return new LocalTransport();
  return openSsh(inventory.target(name), { knownHosts: await inventory.knownHosts(), signal: options.signal });
}
