/** The operations that faults strike, as a desktop asks for them. */
import { randomBytes } from 'node:crypto';
import { ZapError } from '../../helper/protocol/errors';
import type { Fleet } from '../../main/helper-client/fleet';
import { clonePod, movePod } from '../../main/moves/coordinator';
import { resumePod, suspendPod } from '../../main/moves/suspend';
import { findPod, type LocatedPod } from '../../main/pods/locate';
import type { FaultLab, Host } from './fault-lab';
import type { Operation } from './moments';
import type { Pod } from './witness';

export interface Attempt {
  operation: Operation;
  pod: Pod;
  from: Host;
  to: Host;
  /** Of a clone, or of what is created. */
  copyName: string;
  /** A person cancels it. */
  signal?: AbortSignal | undefined;
}

export async function operate(lab: FaultLab, fleet: Fleet, { operation, pod, from, to, copyName, signal }: Attempt): Promise<void> {
  switch (operation) {
    case 'move':
    case 'move-undone':
    case 'move-stored':
    case 'resume-elsewhere':
      return void (await movePod(fleet, await findPod(fleet, pod.id), to, { resume: operation !== 'move-stored', keepMemory: operation === 'move', signal }));
    case 'clone': {
      return void (await clonePod(fleet, await findPod(fleet, pod.id), { name: copyName, to, network: { profile: 'none' } }, {}));
    }
    case 'suspend':
      return suspend(fleet, from, pod);
    case 'resume':
      return resume(fleet, from, pod);
    case 'delete':
      return void (await (await fleet.client(from)).call('pod.delete', { pod: pod.id }));
    case 'create':
      return void (await lab.create(fleet, copyName, from));
  }
}

export async function suspend(fleet: Fleet, host: Host, { id }: { id: string }): Promise<void> {
  await suspendPod(fleet, await at(fleet, host, id));
}

export async function resume(fleet: Fleet, host: Host, { id }: { id: string }): Promise<void> {
  await resumePod(fleet, await at(fleet, host, id));
}

async function at(fleet: Fleet, host: Host, id: string): Promise<LocatedPod> {
  return { host, pod: (await (await fleet.client(host)).call('pod.show', { pod: id })).pod };
}

/** The same as words for the command. */
export function wordsFor({ operation, pod, from, to, copyName }: Attempt): string[] {
  switch (operation) {
    case 'move':
      return ['pod', 'move', pod.name, to, '--keep-memory'];
    case 'move-undone':
    case 'move-stored':
      return ['pod', 'move', pod.name, to];
    case 'resume-elsewhere':
      return ['pod', 'resume', pod.name, '--host', to];
    case 'clone':
      return ['pod', 'clone', pod.name, copyName, '--host', to, '--network', 'none'];
    case 'suspend':
      return ['pod', 'suspend', pod.name];
    case 'resume':
      return ['pod', 'resume', pod.name];
    case 'delete':
      return ['pod', 'delete', pod.name, '--yes'];
    case 'create':
      return ['pod', 'create', copyName, '--host', from, '--env', 'shell', '--network', 'none'];
  }
}

export function newName(prefix: string): string {
  return `${prefix}-${randomBytes(3).toString('hex')}`;
}

/** A failure in one line. */
export function told(thrown: unknown): string {
  const { code, message } = ZapError.from(thrown);
  return `${code}: ${message}`;
}
