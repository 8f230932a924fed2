/** The type of everything that answers calls of the contract. */
import type { CallName, Calls } from '../contract';
import type { z } from 'zod';

/** A caller may leave out what has a default; who answers sees it filled in. */
export type Answers<N extends CallName> = { [K in N]: (input: z.output<Calls[K]['in']>) => Promise<z.input<Calls[K]['out']>> };

export type Named<P extends string> = Extract<CallName, `${P}.${string}`>;
