/** An environment on its way: sent for itself, or because a POD needs it that the other host does not have. */
import type { z } from 'zod';
import { writeArchive } from '../files/archive-write';
import type { EnvironmentStore } from '../files/environments';
import { ZapError } from '../protocol/errors';
import type { Progress } from '../protocol/model';
import type { Channel } from './channel';
import { treeLimits } from './limits';
import { Accept, EnvironmentStored, EnvironmentStream, type EnvironmentOffer } from './messages';

export interface EnvironmentContext {
  environments: EnvironmentStore;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
}

/** Sends it unless it is there already. */
export async function offerEnvironment(reference: string, channel: Channel, context: EnvironmentContext): Promise<{ digest: string; sentBytes: number }> {
  try {
    const environment = await context.environments.get(reference);
    if (!environment) throw new ZapError('environment/unknown', `This host has no environment "${reference}".`, { hint: 'zap env list shows those there are.' });
    await channel.send({ type: 'environment-offer', version: 1, environment });
    const accept = await channel.receive(Accept, context.signal);
    const sentBytes = accept.needsEnvironment ? await sendEnvironment(environment.digest, channel, context) : 0;
    return { digest: environment.digest, sentBytes };
  } finally {
    channel.close();
  }
}

export async function sendEnvironment(digest: string, channel: Channel, context: EnvironmentContext): Promise<number> {
  const environment = await context.environments.get(digest);
  if (!environment) throw new ZapError('environment/unknown', `This host has no environment ${digest}.`);
  await channel.send({ type: 'environment', environment });
  const sink = channel.sink();
  let bytes = 0;
  await writeArchive(context.environments.treePath(environment.digest), sink, {
    signal: context.signal,
    onBytes: (more) => {
      bytes += more;
      context.progress({ phase: 'environment', bytes, totalBytes: environment.sizeBytes });
    },
  });
  await sink.end();
  await channel.receive(EnvironmentStored, context.signal);
  return bytes;
}

/** The answer to `offerEnvironment`. */
export async function takeEnvironment(offer: z.infer<typeof EnvironmentOffer>, channel: Channel, context: EnvironmentContext): Promise<void> {
  const isHere = (await context.environments.get(offer.environment.digest)) !== undefined;
  await channel.send({ type: 'accept', needsEnvironment: !isHere, maxPagesBytes: 0, keptPages: 0 });
  if (!isHere) await receiveEnvironment(channel, context);
  const [name] = offer.environment.names;
  if (name !== undefined) await context.environments.name(offer.environment.digest, name);
}

export async function receiveEnvironment(channel: Channel, context: EnvironmentContext): Promise<void> {
  const { environment } = await channel.receive(EnvironmentStream, context.signal);
  const [name] = environment.names;
  let bytes = 0;
  await context.environments.receive(environment.digest, channel.chunks(), {
    signal: context.signal,
    limits: treeLimits(),
    onBytes: (more) => context.progress({ phase: 'environment', bytes: (bytes += more), totalBytes: environment.sizeBytes }),
    ...(name === undefined ? {} : { name }),
  });
  await channel.send({ type: 'environment-stored' });
}
