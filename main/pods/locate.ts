/**
 * Which host a POD is on.
 *
 * The hosts are the truth; nothing is remembered here. During a move the same POD is on two of them: the one that runs it, or would run it if the move
 * failed, is the one that answers for it.
 */
import { ZapError } from '../../helper/protocol/errors';
import type { Output } from '../../helper/protocol/contract';
import type { Fleet, HostFailure } from '../helper-client/fleet';

export type Pod = Output<'pod.list'>['pods'][number];

export interface LocatedPod {
  host: string;
  pod: Pod;
}

export interface PodsOfAllHosts {
  pods: LocatedPod[];
  failures: HostFailure[];
}

export async function listPods(fleet: Fleet, options: { hosts?: readonly string[] | undefined; signal?: AbortSignal | undefined } = {}): Promise<PodsOfAllHosts> {
  const { answers, failures } = await fleet.askAll((client) => client.call('pod.list', {}, { signal: options.signal }), { signal: options.signal, ...(options.hosts ? { hosts: options.hosts } : {}) });
  const pods = answers.flatMap(({ host, value }) => value.pods.map((pod) => ({ host, pod })));
  return { pods: pods.sort((a, b) => a.pod.name.localeCompare(b.pod.name) || a.host.localeCompare(b.host)), failures };
}

export async function findPod(fleet: Fleet, ref: string, signal?: AbortSignal): Promise<LocatedPod> {
  return choosePod(await listPods(fleet, { signal }), ref);
}

/** Refuses a name that any POD has already: names are how people say which one they mean, whatever host it is on. */
export async function requireFreeName(fleet: Fleet, name: string, signal?: AbortSignal): Promise<HostFailure[]> {
  const { pods, failures } = await listPods(fleet, { signal });
  const taken = pods.find(({ pod }) => pod.name === name);
  if (taken) throw new ZapError('pod/name-taken', `There is already a POD called "${name}", on ${taken.host}.`, { hint: 'Choose another name, or delete or rename that one.', data: { pod: name, host: taken.host } });
  return failures;
}

export function choosePod({ pods, failures }: PodsOfAllHosts, ref: string): LocatedPod {
  const byId = pods.filter(({ pod }) => pod.id === ref);
  const matches = byId.length > 0 ? byId : pods.filter(({ pod }) => pod.name === ref);
  const ids = new Set(matches.map(({ pod }) => pod.id));
  if (ids.size > 1) {
    const which = matches.map(({ host, pod }) => `${pod.id} on ${host}`).join(', ');
    throw new ZapError('pod/ambiguous', `Several PODs are called "${ref}": ${which}.`, { hint: 'Name the one you mean by its id.', data: { pod: ref } });
  }
  if (matches.length > 0) return foremost(matches);
  const silent = failures.map(({ host }) => host).join(', ');
  throw new ZapError('pod/not-found', `There is no POD called "${ref}"${silent ? ` on the hosts that answer; ${silent} could not be asked` : ''}.`, {
    hint: silent ? `${failures[0]!.host}: ${failures[0]!.error.message}` : 'See `zap pod list`.',
    data: { pod: ref, unreachable: failures.map(({ host }) => host) },
  });
}

/** Of the copies that hosts know of one POD, the one that stands for it. */
export function foremost(copies: readonly LocatedPod[]): LocatedPod {
  return copies.toSorted((a, b) => claim(b.pod) - claim(a.pod))[0]!;
}

/** How much a host's copy stands for the POD while two hosts know it. */
function claim(pod: Pod): number {
  switch (pod.state.kind) {
    case 'running':
      return 5;
    case 'moving':
      return pod.state.role === 'source' ? 4 : 1;
    case 'suspended':
    case 'exited':
      return 3;
    case 'in-doubt':
      return 2;
    case 'lost':
      return 0;
  }
}
