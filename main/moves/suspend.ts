/** Suspend and resume in place: the two verbs that make and open a checkpoint without another host. */
import type { EventOf, Output } from '../../helper/protocol/contract';
import type { HelperClient } from '../helper-client/client';
import type { Fleet } from '../helper-client/fleet';
import type { LocatedPod } from '../pods/locate';
import type { Secret } from '../secrets/secret';

export interface SuspendOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: EventOf<'pod.suspend'>) => void) | undefined;
  /** In place of the owner's key. */
  passphrase?: Secret | undefined;
}

export async function suspendPod(fleet: Fleet, { pod, host }: LocatedPod, options: SuspendOptions = {}): Promise<Output<'pod.suspend'>> {
  const client = await fleet.client(host, options.signal);
  const seal = await fleet.checkpointKeys(host).seal(pod.id, options);
  return await client.call('pod.suspend', { pod: pod.id, seal }, { signal: options.signal, onEvent: options.onProgress });
}

export async function resumePod(fleet: Fleet, { pod, host }: LocatedPod, options: SuspendOptions = {}): Promise<Output<'pod.resume'>> {
  const client = await fleet.client(host, options.signal);
  return await client.call('pod.resume', { pod: pod.id, key: await checkpointKey(fleet, client, pod.id, options) }, { signal: options.signal, onEvent: options.onProgress });
}

/** The key of a suspended POD, from its host and its owner. */
export async function checkpointKey(fleet: Fleet, client: HelperClient, podId: string, options: Pick<SuspendOptions, 'signal' | 'passphrase'>): Promise<string> {
  const { wrapped } = await client.call('pod.checkpoint', { pod: podId }, { signal: options.signal });
  return await fleet.checkpointKeys(client.host).open(podId, wrapped, options);
}
