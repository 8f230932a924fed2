/** PODs in doubt: what is known of them, and a person's decision. */
import { ZapError } from '../../../helper/protocol/errors';
import { decideDoubt, recoveryChoices, type RecoveryChoice } from '../../moves/recovery';
import { listSettled } from '../../moves/settle';
import type { LocatedPod } from '../../pods/locate';
import { command } from '../command';
import type { Context } from '../context';
import { stateWord } from '../describe-pod';
import { printable } from '../format';

export const recoverCommands = [
  command({
    name: 'pod recover',
    summary: 'Decide about a POD in doubt: run it here, or give up this copy',
    operands: { name: { placeholder: 'NAME' } },
    options: {
      host: { kind: 'value', placeholder: 'HOST', help: 'on which host its copy is meant' },
      'run-here': { kind: 'flag', help: 'this copy is the one that lives: you know that the other one does not' },
      'discard-here': { kind: 'flag', help: 'give this copy up: the other one lives' },
    },
    details: 'Without --run-here or --discard-here it shows what is in doubt and what each choice risks. Only a person can know whether a host that does not answer still runs a POD.',
    run: async ({ operands, options }, context) => {
      if (options['run-here'] && options['discard-here']) throw new ZapError('usage/bad-arguments', 'Say one of --run-here and --discard-here.', { hint: 'See `zap help pod recover`.' });
      const located = await findInDoubt(context, operands.name, options.host);
      const { pod, host } = located;
      const choices = recoveryChoices(located);
      if (!options['run-here'] && !options['discard-here']) {
        const lines = [`${pod.name} is in doubt on ${host}: ${printable(choices.reason)}`, '', ...choices.choices.flatMap(describeChoice)];
        return { json: { host, pod: pod.name, ...choices }, text: lines.join('\n') };
      }
      const decision = options['run-here'] ? 'run-here' : 'discard-here';
      const now = await decideDoubt(await context.fleet(), located, decision, { signal: context.signal });
      const hint = now?.state.kind === 'suspended' ? ` Let it go on with: zap pod resume ${now.name}` : '';
      return { json: { host, decision, pod: now }, text: now ? `POD ${now.name} is ${stateWord(now)} on ${host}.${hint}` : `The copy of ${pod.name} on ${host} is gone.` };
    },
  }),
];

function describeChoice({ decision, effect, risk }: RecoveryChoice): string[] {
  return [`--${decision}`, `    ${effect}`, `    The risk: ${risk}`];
}

/** The copy that is meant, after both hosts were asked once more. */
async function findInDoubt(context: Context, name: string, host: string | undefined): Promise<LocatedPod> {
  const all = await listSettled(await context.fleet(), { signal: context.signal });
  const inDoubt = all.pods.filter((one) => one.pod.state.kind === 'in-doubt' && (one.pod.name === name || one.pod.id === name) && (host === undefined || host === one.host));
  if (inDoubt.length > 1) throw new ZapError('usage/host-needed', `"${name}" is in doubt on ${inDoubt.map((one) => one.host).join(' and ')}.`, { hint: 'Say which copy: --host HOST.' });
  if (inDoubt[0]) return inDoubt[0];
  const silent = all.failures.find((failure) => failure.host === host);
  if (silent) throw silent.error;
  const found = await context.pod(name);
  throw new ZapError('pod/wrong-state', `"${found.pod.name}" is not in doubt: it is ${stateWord(found.pod)} on ${found.host}.`, { data: { pod: found.pod.name, host: found.host } });
}
