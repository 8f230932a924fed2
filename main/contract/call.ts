/** How a call of the contract is declared: what goes in and what comes out. */
import type { z } from 'zod';

export interface CallDefinition<In extends z.ZodType = z.ZodType, Out extends z.ZodType = z.ZodType> {
  in: In;
  out: Out;
}

export function call<In extends z.ZodType, Out extends z.ZodType>(definition: CallDefinition<In, Out>): CallDefinition<In, Out> {
  return definition;
}
