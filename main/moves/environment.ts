/** Environments go where they are needed, from a host that has them. */
import { ZapError } from '../../helper/protocol/errors';
import type { Output } from '../../helper/protocol/contract';
import type { Fleet } from '../helper-client/fleet';
import { transfer, type TransferOptions } from './transfer';

type EnvironmentInfo = Output<'environment.list'>['environments'][number];

export interface EnsureOptions extends TransferOptions {
  /** Names of recipes that could make it, for the advice when no host has it. */
  recipeNames: readonly string[];
  /** Where it had best be built, if not on the host itself. */
  buildHost?: string;
  onCopy?: ((environment: EnvironmentInfo, from: string) => void) | undefined;
}

/** The environment called `ref` on a host, copied there from another one if need be. */
export async function ensureEnvironment(fleet: Fleet, host: string, ref: string, options: EnsureOptions): Promise<EnvironmentInfo> {
  const target = await fleet.client(host, options.signal);
  const present = choose((await target.call('environment.list', {}, { signal: options.signal })).environments, ref);
  if (present) return present;

  const others = fleet.hosts.filter((other) => other !== host);
  const { answers, failures } = await fleet.askAll((client) => client.call('environment.list', {}, { signal: options.signal }), { hosts: others, signal: options.signal });
  const candidates = answers.flatMap(({ host: from, value }) => value.environments.map((environment) => ({ from, environment })));
  const found = choose(candidates.map(({ environment }) => environment), ref);
  const holder = candidates.find(({ environment }) => environment === found);
  if (!found || !holder) {
    const silent = failures.map((failure) => failure.host).join(', ');
    throw new ZapError('environment/not-found', `No host has an environment called "${ref}"${silent ? `; ${silent} could not be asked` : ''}.`, {
      hint: options.recipeNames.includes(ref) ? `Build it: \`zap env build ${ref} --host ${options.buildHost ?? host}\`.` : `See \`zap env list\`; recipes that can be built: ${options.recipeNames.join(', ')}.`,
      data: { environment: ref, host },
    });
  }
  options.onCopy?.(found, holder.from);
  await copyEnvironment(fleet, holder.from, host, found.digest, options);
  return found;
}

export async function copyEnvironment(fleet: Fleet, from: string, to: string, digest: string, options: TransferOptions): Promise<void> {
  const [source, target] = await Promise.all([fleet.client(from, options.signal), fleet.client(to, options.signal)]);
  await transfer(source, target, { kind: 'environment', environment: digest }, options);
}

/** `ref` is a name, a digest, or as much of one as `env list` shows. */
export function choose(environments: readonly EnvironmentInfo[], ref: string): EnvironmentInfo | undefined {
  return environments.filter(({ digest, names }) => digest === ref || (/^sha256:[0-9a-f]{12,}$/.test(ref) && digest.startsWith(ref)) || names.includes(ref)).sort((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
}
