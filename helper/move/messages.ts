/**
 * What the two ends of a data channel say to each other, in this order:
 *
 *   source                                target
 *   offer                              →
 *                                      ←  accept + hashes of kept pages, if any | failed
 *   environment + stream, if asked     →
 *   layer + stream (POD runs on)       →  (again as often as it pays)
 *   pages + stream (POD runs on)       →  (likewise)
 *   memory-map + stream (POD runs on)  →
 *   prepare                            →
 *                                      ←  prepared
 *   checkpoint + memory + images
 *              + layer delta           →
 *                                      ←  restored (made, complete, stopped)
 *   verdict (commit)                   →
 *                                      ←  running
 *
 * `failed` may come from either side wherever it is waited for, up to `restored`. From then on commit.ts rules: if the channel is lost, the source opens
 * another one and says `verdict` until there is an answer.
 */
import { z } from 'zod';
import { KeptKey } from '../pod/record';
import { Command, EnvironmentInfo, Pod, PodDemand, Step, TransferId, UserName } from '../protocol/model';

export const Offer = z.strictObject({
  type: z.literal('offer'),
  version: z.literal(1),
  transfer: TransferId,
  kind: z.enum(['move', 'clone']),
  demand: PodDemand,
  owner: UserName,
  command: Command.nullable(),
  user: z.string().max(64),
  hasDisplay: z.boolean(),
  createdAt: z.string().max(40),
  /** The POD is suspended, and stays so unless it is to be resumed. */
  isStored: z.boolean(),
  /** Opens what hosts have kept of the POD's memory. */
  keptKey: KeptKey.optional(),
  /** It runs before all of its memory is in place, if the target can do that. */
  memoryFollows: z.boolean().optional(),
});
export type Offer = z.infer<typeof Offer>;

export const EnvironmentOffer = z.strictObject({ type: z.literal('environment-offer'), version: z.literal(1), environment: EnvironmentInfo });
export const VerdictMessage = z.strictObject({ type: z.literal('verdict'), verdict: z.enum(['commit', 'abort']) });
export type Verdict = z.infer<typeof VerdictMessage>['verdict'];
export const FirstMessage = z.discriminatedUnion('type', [Offer, EnvironmentOffer, VerdictMessage]);

export const Accept = z.strictObject({
  type: z.literal('accept'),
  needsEnvironment: z.boolean(),
  /** How much memory it will keep for what is sent ahead, bytes. */
  maxPagesBytes: z.number().int().nonnegative(),
  /** Pages that it kept of an earlier stay of the POD; their hashes follow as a stream. They have the first numbers. */
  keptPages: z.number().int().nonnegative(),
});
export const EnvironmentStream = z.strictObject({ type: z.literal('environment'), environment: EnvironmentInfo });
export const EnvironmentStored = z.strictObject({ type: z.literal('environment-stored') });
export const Layer = z.strictObject({ type: z.literal('layer') });
/** Memory of the running POD, sent ahead; pages have numbers in the order in which they come. */
export const Pages = z.strictObject({ type: z.literal('pages') });
/** Which of these pages lie where: the target may lay them out before the freeze. */
export const MemoryMapMessage = z.strictObject({ type: z.literal('memory-map') });
export const Prepare = z.strictObject({ type: z.literal('prepare') });
export const Prepared = z.strictObject({ type: z.literal('prepared') });
/** For the difference between the two hosts' clocks. */
export const Ping = z.strictObject({ type: z.literal('ping') });
export const Pong = z.strictObject({ type: z.literal('pong'), epochMs: z.number() });
export const Checkpoint = z.strictObject({ type: z.literal('checkpoint') });
export const BeforeCheckpoint = z.discriminatedUnion('type', [Layer, Pages, MemoryMapMessage, Ping, Prepare, Checkpoint]);
export const Restored = z.strictObject({ type: z.literal('restored'), steps: z.array(Step) });
/** The source knows that the POD is there; nobody will ask any more. */
export const Heard = z.strictObject({ type: z.literal('heard') });
export const RunningNow = z.strictObject({ type: z.literal('running'), epochMs: z.number(), pod: Pod, steps: z.array(Step) });
/** Any other answer to a verdict. */
export const NotRunning = z.strictObject({ type: z.literal('answer'), answer: z.enum(['gone', 'lost', 'lost-running']) });
export const AnswerMessage = z.discriminatedUnion('type', [RunningNow, NotRunning]);
export type AnswerMessage = z.infer<typeof AnswerMessage>;
