/** Moves, clones, suspends and resumes as tasks. */
import { ZapError } from '../../helper/protocol/errors';
import type { Network, PodView, Task, TaskOutcome } from '../contract';
import { clonePod, movePod, type MoveOptions, type MoveReport } from '../moves/coordinator';
import { resumePod, suspendPod } from '../moves/suspend';
import { whereabouts } from '../moves/whereabouts';
import type { LocatedPod, Pod } from '../pods/locate';
import type { TaskContext } from '../tasks/board';
import type { Desk } from './desk';

export function requirePod(desk: Desk, id: string): PodView {
  const pod = desk.store.pod(id);
  if (!pod) throw new ZapError('pod/not-found', 'This POD is gone.', { data: { pod: id } });
  return pod;
}

/** One thing at a time is done to a POD; the hosts would refuse the second, but not say it as plainly. */
export function requireIdle(desk: Desk, id: string): PodView {
  const pod = requirePod(desk, id);
  if (desk.board.atWork.some(({ subject, kind }) => subject.pod === id && kind !== 'host.evacuate')) throw new ZapError('pod/busy', `"${pod.name}" is being worked on.`, { hint: 'Wait until that has ended, or cancel it.', data: { pod: pod.name } });
  return pod;
}

/** As its host says now: what is shown may be a moment old. */
export async function locate(desk: Desk, view: PodView, signal?: AbortSignal): Promise<LocatedPod> {
  const { pods } = await (await desk.reached(view.host, signal)).call('pod.list', {}, { signal });
  const pod = pods.find(({ id }) => id === view.id);
  if (pod) return { host: view.host, pod };
  void desk.refresh([view.host]);
  throw new ZapError('pod/not-found', `"${view.name}" is not on ${view.host} any more.`, { data: { pod: view.name, host: view.host } });
}

export function startMove(desk: Desk, id: string, { to, resumes, keepsMemory, parent }: { to: string; resumes: boolean; keepsMemory?: boolean | undefined; parent?: string }): string {
  const pod = requireIdle(desk, id);
  const isLive = pod.state.kind === 'running';
  const from = pod.host;
  if (from === to) throw new ZapError('move/same-host', `"${pod.name}" is on ${to} already.`, { data: { pod: pod.name, host: to } });
  return desk.board.start(
    { kind: 'pod.move', subject: { pod: id, podName: pod.name, from, to }, parent, canCancel: true, request: { name: 'pod.move', input: { pod: id, to, resumes, ...(keepsMemory === undefined ? {} : { keepsMemory }) } }, isLive },
    async (context) => {
      await desk.reached(to, context.signal);
      return movingFrom(desk, pod, to, context, async (located) => outcomeOf(await movePod(desk.fleet, located, to, { ...moveOptions(context), resume: isLive || resumes, keepMemory: keepsMemory })));
    },
  );
}

export interface CloneInput {
  pod: string;
  name: string;
  to: string;
  network?: Network | undefined;
}

export function startClone(desk: Desk, input: CloneInput & { isFresh: false }): string {
  const pod = requireIdle(desk, input.pod);
  return desk.board.start(
    { kind: 'pod.clone', subject: { pod: pod.id, podName: pod.name, from: pod.host, to: input.to }, canCancel: true, request: { name: 'pod.clone', input }, isLive: pod.state.kind === 'running' },
    async (context) => {
      await desk.reached(input.to, context.signal);
      return movingFrom(desk, pod, input.to, context, async (located) => outcomeOf(await clonePod(desk.fleet, located, { name: input.name, to: input.to, network: input.network }, moveOptions(context))));
    },
  );
}

export function startSuspend(desk: Desk, id: string): string {
  const pod = requireIdle(desk, id);
  return desk.board.start({ kind: 'pod.suspend', subject: { pod: id, podName: pod.name, host: pod.host }, canCancel: true, request: { name: 'pod.suspend', input: { pod: id } }, isLive: true }, (context) =>
    tellingWhere(desk, pod, async () => {
      const done = await suspendPod(desk.fleet, await locate(desk, pod, context.signal), { signal: context.signal, onProgress: context.progress });
      return { downtimeMs: done.frozenMs, steps: done.steps };
    }),
  );
}

export function startResume(desk: Desk, id: string, to: string | undefined): string {
  const pod = requireIdle(desk, id);
  const from = pod.host;
  const isElsewhere = to !== undefined && to !== from;
  const request = { name: 'pod.resume', input: { pod: id, ...(to === undefined ? {} : { to }) } };
  return desk.board.start({ kind: 'pod.resume', subject: { pod: id, podName: pod.name, ...(isElsewhere ? { from, to } : { host: from }) }, canCancel: true, request }, async (context) => {
    if (!isElsewhere) {
      return tellingWhere(desk, pod, async () => {
        const done = await resumePod(desk.fleet, await locate(desk, pod, context.signal), { signal: context.signal, onProgress: context.progress });
        return { totalMs: done.restoreMs, steps: done.steps };
      });
    }
    await desk.reached(to, context.signal);
    return movingFrom(desk, pod, to, context, async (located) => outcomeOf(await movePod(desk.fleet, located, to, { ...moveOptions(context), resume: true })));
  });
}

/** Of a task that an earlier run of the app began: the hosts say what became of it. */
export async function outcomeAfterwards(desk: Desk, task: Task): Promise<Task['state']> {
  const { subject } = task;
  const hosts = [subject.from, subject.to, subject.host].filter((host) => host !== undefined);
  const interrupted = (message: string): Task['state'] => ({ kind: 'failed', error: { code: 'move/interrupted', message } });
  if (subject.pod === undefined || hosts.length === 0) return interrupted('The app ended before this was done.');
  const asked: Pod = { id: subject.pod, name: subject.podName ?? subject.pod } as Pod;
  const { located, sentence } = await whereabouts(desk.fleet, asked, hosts, { untilSettled: true });
  if (!located) return interrupted(`The app ended while this was done. ${sentence}`);
  const where = { host: located.host, state: located.pod.state.kind };
  const isDone = { 'pod.move': where.host === subject.to, 'pod.suspend': where.state === 'suspended', 'pod.resume': where.state === 'running' && where.host === (subject.to ?? subject.host) }[task.kind as string] ?? false;
  if (isDone) return { kind: 'done', outcome: { note: `The hosts finished it while the app was closed. ${sentence}` } };
  return { kind: 'failed', error: { code: 'move/interrupted', message: `The app ended while this was done. ${sentence}` }, whereabouts: where };
}

function moveOptions(context: TaskContext): MoveOptions {
  return {
    signal: context.signal,
    onProgress: context.progress,
    onNotice: (text) => context.log(text),
    onPlan: (plan) => context.log(`plan: ${plan.mode}, ${plan.predictedBytes.memory} bytes of memory, ${plan.predictedBytes.layer} of files, a pause of about ${plan.predictedDowntimeMs} ms${plan.findings.map(({ severity, message }) => `\n${severity}: ${message}`).join('')}`),
    onRelay: () => context.log('the hosts cannot reach each other: the bytes go through this computer'),
  };
}

function outcomeOf({ downtimeMs, totalMs, bytes, steps }: MoveReport): TaskOutcome {
  return { downtimeMs, totalMs, bytes, steps };
}

/** What is refused before anything was touched leaves the POD as it was: that is said too. */
async function movingFrom(desk: Desk, pod: PodView, to: string, context: TaskContext, act: (located: LocatedPod) => Promise<TaskOutcome>): Promise<TaskOutcome> {
  const located = await locate(desk, pod, context.signal);
  try {
    return await act(located);
  } catch (thrown) {
    const error = ZapError.from(thrown);
    const isTouched = error.data?.['pod'] instanceof Object || error.code === 'move/connection-lost';
    if (isTouched) throw error;
    throw new ZapError(error.code, error.message, { hint: error.hint, evidence: error.evidence, data: { ...error.data, pod: { name: pod.name, host: located.host, state: located.pod.state.kind } }, cause: error });
  } finally {
    await desk.refresh([pod.host, to], true);
  }
}

async function tellingWhere(desk: Desk, pod: PodView, act: () => Promise<TaskOutcome>): Promise<TaskOutcome> {
  try {
    return await act();
  } catch (thrown) {
    const error = ZapError.from(thrown);
    const where = await whereabouts(desk.fleet, pod, [pod.host], { untilSettled: error.code === 'host/connection-lost' }).catch(() => undefined); // the first failure is the one to tell
    if (!where) throw error;
    const data = { ...error.data, ...(where.located ? { pod: { name: pod.name, host: where.located.host, state: where.located.pod.state.kind } } : {}) };
    throw new ZapError(error.code, `${error.message} ${where.sentence}`, { hint: error.hint, evidence: error.evidence, data, cause: error });
  } finally {
    await desk.refresh([pod.host], true);
  }
}
