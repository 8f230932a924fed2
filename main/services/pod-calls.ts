/** What the user interface may ask about PODs and environments. */
import { ZapError } from '../../helper/protocol/errors';
import { LOCAL } from '../hosts/inventory';
import { planOnly } from '../moves/coordinator';
import { ensureEnvironment } from '../moves/environment';
import type { Plan } from '../contract';
import type { Plan as ExactPlan } from '../moves/plan';
import { decideDoubt } from '../moves/recovery';
import { requireFreeName } from '../pods/locate';
import { closeTerminal, listTerminals, terminalHistory } from '../streams/terminals';
import type { Answers, Named } from './answers';
import type { Desk } from './desk';
import { locate, requireIdle, requirePod, startClone, startMove, startResume, startSuspend } from './moves';
import { quickPlans } from './pod-plans';

type PodCalls = Named<'pod'> | Named<'environment'> | Named<'terminal'>;

export function podCalls(desk: Desk): Answers<PodCalls> {
  const { board } = desk;
  const create = (input: { host: string; name: string; environment: string; network: Parameters<typeof startCreate>[1]['network']; limits: Parameters<typeof startCreate>[1]['limits'] }): { task: string } => ({ task: startCreate(desk, input) });
  return {
    async 'pod.create'(input) {
      await desk.reached(input.host);
      return create(input);
    },

    async 'pod.rename'({ pod, name }) {
      const view = requireIdle(desk, pod);
      await requireFreeName(desk.fleet, name);
      await (await desk.reached(view.host)).call('pod.rename', { pod, name });
      await desk.refresh([view.host]);
      return {};
    },

    async 'pod.delete'(input) {
      const view = requireIdle(desk, input.pod);
      const task = board.start({ kind: 'pod.delete', subject: { pod: view.id, podName: view.name, host: view.host }, canCancel: false }, async () => {
        await (await desk.reached(view.host)).call('pod.delete', { pod: view.id });
        await desk.refresh([view.host]);
        return {};
      });
      return { task };
    },

    async 'pod.suspend'({ pod }) {
      return { task: startSuspend(desk, pod) };
    },
    async 'pod.resume'({ pod, to }) {
      return { task: startResume(desk, pod, to) };
    },
    async 'pod.move'({ pod, ...wish }) {
      return { task: startMove(desk, pod, wish) };
    },

    async 'pod.clone'({ pod, name, to, isFresh, network }) {
      if (!isFresh) return { task: startClone(desk, { pod, name, to, isFresh, network }) };
      const original = requirePod(desk, pod);
      const own = network ?? original.network;
      if (own.profile === 'lan' && network === undefined) throw new ZapError('network/address-needed', `"${original.name}" has the address ${own.address}; its copy needs another one.`, { hint: 'Give it an address of its own, or another kind of network.', data: { pod: original.name } });
      await desk.reached(to);
      return create({ host: to, name, environment: original.environment.digest, network: own, limits: original.limits });
    },

    async 'pod.plan'({ pod, to }) {
      const view = requirePod(desk, pod);
      await desk.reached(to);
      const plan = await planOnly(desk.fleet, await locate(desk, view), to, { willRun: view.state.kind === 'running' });
      return exactPlan(view.id, plan);
    },
    async 'pod.plans'({ pod }) {
      return { plans: quickPlans(desk, requirePod(desk, pod)) };
    },

    async 'pod.recover'(input) {
      const view = requireIdle(desk, input.pod);
      const task = board.start({ kind: 'pod.recover', subject: { pod: view.id, podName: view.name, host: view.host }, canCancel: false }, async () => {
        await desk.reached(view.host);
        const pod = await decideDoubt(desk.fleet, await locate(desk, view), input.decision);
        await desk.refresh(desk.fleet.hosts);
        return { note: pod ? `${pod.name} is ${pod.state.kind} on ${view.host}.` : `The copy on ${view.host} is gone.` };
      });
      return { task };
    },

    async 'pod.show'({ pod }) {
      const view = requirePod(desk, pod);
      const { usage, command, findings } = await (await desk.reached(view.host)).call('pod.show', { pod });
      return { usage, command, findings };
    },
    async 'pod.samples'({ pod }) {
      return { samples: desk.sampler.of(pod) };
    },
    async 'pod.log'({ pod }) {
      return (await desk.reached(requirePod(desk, pod).host)).call('pod.logs', { pod, lines: LOG_LINES });
    },

    async 'terminal.list'({ pod }) {
      return { terminals: await listTerminals(desk.lookedAt, pod, answerSoon()) };
    },
    async 'terminal.history'({ pod, window }) {
      return terminalHistory(desk.lookedAt, pod, window, answerSoon());
    },
    async 'terminal.close'({ pod, window }) {
      await closeTerminal(desk.lookedAt, pod, window, answerSoon());
      return {};
    },

    async 'environment.build'(input) {
      const recipe = desk.recipes.find(({ name }) => name === input.recipe);
      if (!recipe) throw new ZapError('environment/no-recipe', `There is no recipe "${input.recipe}".`);
      const client = await desk.reached(input.host);
      const task = board.start({ kind: 'environment.build', subject: { host: input.host, environment: recipe.name }, canCancel: true, request: { name: 'environment.build', input } }, async ({ signal, log, progress }) => {
        progress({ phase: 'build' });
        const built = await client.call('environment.build', { recipe }, { signal, onEvent: ({ line }) => log(line) });
        await desk.refresh([input.host], true);
        return { note: built.digest };
      });
      return { task };
    },

    async 'environment.remove'({ host, environment }) {
      const client = await desk.reached(host);
      const task = board.start({ kind: 'environment.remove', subject: { host, environment }, canCancel: false }, async () => {
        await client.call('environment.remove', { environment });
        await desk.refresh([host], true);
        return {};
      });
      return { task };
    },
  };
}

const LOG_LINES = 500;
const ANSWER_TIMEOUT_MS = 15_000;

function answerSoon(): AbortSignal {
  return AbortSignal.timeout(ANSWER_TIMEOUT_MS);
}

type Create = { host: string; name: string; environment: string } & Pick<Parameters<Answers<'pod.create'>['pod.create']>[0], 'network' | 'limits'>;

function startCreate(desk: Desk, { host, name, environment, network, limits }: Create): string {
  return desk.board.start({ kind: 'pod.create', subject: { podName: name, host, environment }, canCancel: true, request: { name: 'pod.create', input: { host, name, environment, network, limits } } }, async ({ signal, progress, log, subject }) => {
    for (const failure of await requireFreeName(desk.fleet, name, signal)) log(`${failure.host} cannot be asked whether it has a POD called "${name}"`);
    const record = host === LOCAL ? undefined : desk.inventory.get(host);
    const found = await ensureEnvironment(desk.fleet, host, environment, {
      signal,
      recipeNames: desk.recipes.map((recipe) => recipe.name),
      buildHost: record?.lab ? LOCAL : host, // lab hosts have no way to a Debian mirror
      onProgress: progress,
      onCopy: (copied, from) => log(`copying the environment ${copied.names[0] ?? copied.digest} from ${from}`),
    });
    const pod = await (await desk.reached(host)).call('pod.create', { name, environment: found.digest, network, limits }, { signal, onEvent: progress });
    subject({ pod: pod.id });
    await desk.refresh([host], true);
    return {};
  });
}

function exactPlan(pod: string, plan: ExactPlan): Plan {
  const hasWarnings = plan.findings.some(({ severity }) => severity === 'warning');
  const { from, to, mode, needsEnvironment, predictedBytes, predictedDowntimeMs, predictedTotalMs, predictedSentBytes, findings } = plan;
  return { pod, from, to, mode, needsEnvironment, predictedBytes, predictedDowntimeMs, predictedTotalMs, predictedSentBytes, findings, verdict: plan.canMove ? (hasWarnings ? 'warnings' : 'ready') : 'impossible', isExact: true };
}
