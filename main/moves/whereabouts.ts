/**
 * Where is it now?
 *
 * Every failure of a move ends with this question. After a lost connection the hosts bring their transaction to its end without us, so the answer is asked
 * for until it has settled.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assertNever, ZapError } from '../../helper/protocol/errors';
import type { Fleet } from '../helper-client/fleet';
import { ignoreUnless, settleTransfer, type OpenTransfer } from './settle';
import { choosePod, listPods, type LocatedPod, type Pod } from '../pods/locate';

const SETTLE_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 500;

export interface Whereabouts {
  located?: LocatedPod;
  sentence: string;
}

export async function whereabouts(fleet: Fleet, pod: Pod, hosts: readonly string[], options: { untilSettled: boolean; open?: OpenTransfer | undefined; signal?: AbortSignal | undefined }): Promise<Whereabouts> {
  const deadlineMs = Date.now() + (options.untilSettled ? SETTLE_TIMEOUT_MS : 0);
  for (;;) {
    if (options.open) await settleTransfer(fleet, options.open, { hosts: [...new Set(hosts)], signal: options.signal }).catch(ignoreUnless(options.signal));
    const answer = await listPods(fleet, { hosts: [...new Set(hosts)], signal: options.signal });
    const located = tryChoose(answer, pod.id);
    const isSettled = answer.failures.length === 0 && answer.pods.every((other) => other.pod.id !== pod.id || (other.pod.state.kind !== 'moving' && other.pod.state.kind !== 'in-doubt'));
    // The source may have come to its end only now, and what it said last may be lost.
    if (isSettled && options.open) await settleTransfer(fleet, options.open, { hosts: [...new Set(hosts)], signal: options.signal }).catch(ignoreUnless(options.signal));
    if (isSettled || Date.now() >= deadlineMs) return describe(pod, located, answer.failures.map(({ host }) => host));
    await delay(POLL_INTERVAL_MS, undefined, options.signal ? { signal: options.signal } : {});
  }
}

export function sayWhere({ host, pod }: LocatedPod): string {
  const { state } = pod;
  const name = `"${pod.name}"`;
  switch (state.kind) {
    case 'running':
      return `${name} runs on ${host}.`;
    case 'exited':
      return `${name} is on ${host}; its processes have ended.`;
    case 'suspended':
      return `${name} is suspended on ${host}.`;
    case 'moving':
      return `${name} is still in the hands of the hosts (${state.phase} on ${host}); see \`zap pod show ${pod.name}\`.`;
    case 'in-doubt':
      return `${name} is in doubt on ${host}: ${state.reason.replace(/\.$/, '')}; decide with \`zap pod recover ${pod.name}\`.`;
    case 'lost':
      return `${name} lost its processes on ${host}: ${state.reason.replace(/\.$/, '')}.`;
    default:
      return assertNever(state);
  }
}

function describe(pod: Pod, located: LocatedPod | undefined, silent: string[]): Whereabouts {
  const unasked = silent.length > 0 ? ` ${silent.join(' and ')} cannot be asked; the hosts finish or undo it alone.` : '';
  if (located) return { located, sentence: `${sayWhere(located)}${unasked}` };
  return { sentence: silent.length > 0 ? `"${pod.name}":${unasked} See \`zap pod list\` later.` : `"${pod.name}" is on neither host.` };
}

function tryChoose(answer: Parameters<typeof choosePod>[0], id: string): LocatedPod | undefined {
  try {
    return choosePod(answer, id);
  } catch (error) {
    if (error instanceof ZapError && error.code === 'pod/not-found') return undefined;
    throw error;
  }
}
