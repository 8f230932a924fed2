/** What the services tell without being asked. */
import { z } from 'zod';
import { PodId } from './nouns';
import { SamplesEvent, StateEvent } from './state';

export const events = {
  state: StateEvent,
  samples: SamplesEvent,
  /** A picture of a POD's screen, PNG. */
  thumbnail: z.strictObject({ pod: PodId, png: z.instanceof(Uint8Array), atMs: z.number() }),
  /** The native menu or tray asks for a command of the registry. */
  command: z.strictObject({ command: z.string() }),
  /** A notification was clicked. */
  reveal: z.union([z.strictObject({ task: z.string() }), z.strictObject({ pod: PodId }), z.strictObject({ host: z.string() })]),
  /** The services were started anew: streams are gone, the state is to be asked for again. */
  restarted: z.strictObject({}),
} as const;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.infer<(typeof events)[N]>;
