/**
 * Screens and terminals as byte streams.
 *
 * `connect` yields a MessagePort. What travels over it, in both directions, is a Uint8Array (bytes of RFB, or of a terminal) or one of the controls below.
 * Each side may send `initialCreditBytes` at first and then as many bytes as `credit` grants: a slow reader never makes the other end buffer without bound. A terminal
 * shows `terminalCreditBytes` at first: of a flood only what is painted comes, and what comes is fresh.
 */
import { z } from 'zod';
import { Failure, HostName, PodId } from './nouns';

export const initialCreditBytes = 1 << 20;
export const terminalCreditBytes = 64 << 10;

export const TerminalName = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/);

const size = z.number().int().min(1).max(1000);

/** What the user interface sends besides bytes. */
export const ViewControl = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('credit'), bytes: z.number().int().positive() }),
  z.strictObject({ type: z.literal('resize'), columns: size, rows: size }),
  z.strictObject({ type: z.literal('close') }),
]);
export type ViewControl = z.infer<typeof ViewControl>;

/** What the services send besides bytes. After `closed` nothing comes. */
export const StreamControl = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('credit'), bytes: z.number().int().positive() }),
  z.strictObject({ type: z.literal('opened'), host: HostName }),
  /** The POD stands still or cannot be reached; what is typed meanwhile is kept and arrives afterwards. */
  z.strictObject({ type: z.literal('paused'), reason: z.enum(['moving', 'unreachable', 'suspended']) }),
  z.strictObject({ type: z.literal('resumed'), host: HostName }),
  z.strictObject({ type: z.literal('closed'), reason: z.enum(['ended', 'deleted', 'failed']), error: Failure.optional() }),
]);
export type StreamControl = z.infer<typeof StreamControl>;

export const streams = {
  /** The POD's RFB server. */
  desktop: z.strictObject({ pod: PodId }),
  /** A client of the POD's terminals; `window` names one of its windows, or makes it. */
  terminal: z.strictObject({ pod: PodId, window: TerminalName.optional(), columns: size, rows: size }),
} as const;

export type StreamName = keyof typeof streams;
export type StreamInput<N extends StreamName> = z.infer<(typeof streams)[N]>;
