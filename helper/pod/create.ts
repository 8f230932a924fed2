/** From an environment to a running POD. */
import { ZapError } from '../protocol/errors';
import type { Input } from '../protocol/contract';
import type { Progress } from '../protocol/model';
import type { EnvironmentStore } from '../files/environments';
import { guardMacvlan, guardPort } from '../network/guard';
import { planLink } from '../network/link-plan';
import { announce, completeLink, connect, createLink } from '../network/pod-link';
import { requireSilence } from '../network/uplink';
import { createGroups, enterGroups } from '../system/cgroup';
import { reach } from '../system/fault-point';
import { bootId } from '../system/process';
import { waitForDisplay } from './display';
import { mountAround, mountRoot } from './file-systems';
import { newMac, newPodId, newUidBase, requireFreeAddress, requireFreeName } from './identity';
import { prepareLayer } from './layer';
import { forgetLock, lockHost, lockPod } from './locks';
import { saveRecord, type Caller, type PodRecord } from './record';
import { destroyPod } from './remove';
import { createSandbox, startSandbox } from './sandbox';

export interface CreateContext {
  caller: Caller;
  environments: EnvironmentStore;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
}

export async function createPod(request: Input<'pod.create'>, context: CreateContext): Promise<PodRecord> {
  const environment = await context.environments.get(request.environment);
  if (!environment) {
    throw new ZapError('environment/unknown', `This host has no environment "${request.environment}".`, { hint: 'zap env list shows those there are; zap env build makes one.', data: { environment: request.environment } });
  }
  const id = newPodId();
  if (request.network.profile === 'lan') await requireSilence(request.network.address);
  const record: PodRecord = {
    version: 1,
    id,
    name: request.name,
    owner: context.caller.user,
    sharedWith: [],
    environment: { digest: environment.digest, name: environment.names[0] ?? environment.digest.slice(7, 19) },
    network: request.network,
    mac: newMac(),
    uidBase: 0,
    limits: request.limits,
    command: request.command ?? null,
    user: environment.user,
    hasDisplay: environment.hasDisplay && request.command === undefined,
    createdAt: new Date().toISOString(),
    state: { kind: 'creating' },
  };
  {
    using _host = await lockHost();
    requireFreeName(record.name);
    requireFreeAddress(record);
    record.uidBase = newUidBase();
    saveRecord(record);
  }
  using lock = lockPod(record, 'being created');
  try {
    context.progress({ phase: 'files' });
    reach('create: files');
    prepareLayer(record, request.geometry ?? '1280x800');
    await mountAround(record, context.environments);
    await mountRoot(record, context.environments);
    context.signal.throwIfAborted();
    context.progress({ phase: 'sandbox' });
    reach('create: sandbox');
    const groups = createGroups(id, record.limits);
    const link = await planLink(record);
    await guardPort(link);
    const init = await createSandbox(record);
    enterGroups(groups, init.pid);
    createLink(link, init.pid);
    completeLink(link, init.pid);
    await guardMacvlan(link, init.pid);
    connect(link, init.pid);
    announce(link, init.pid);
    context.signal.throwIfAborted();
    reach('create: made');
    await startSandbox(record);
    reach('create: started');
    context.signal.throwIfAborted();
    record.state = { kind: 'running', init, bootId: bootId(), since: new Date().toISOString() };
    saveRecord(record);
    if (record.hasDisplay) {
      context.progress({ phase: 'display' });
      await waitForDisplay(record, context.signal);
    }
    return record;
  } catch (error) {
    await destroyPod(record);
    forgetLock(record, lock);
    throw error;
  }
}
