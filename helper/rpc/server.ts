/** One connection: requests are checked against the contract before anything is done with them. */
import type { Readable, Writable } from 'node:stream';
import { Connection } from '../protocol/connection';
import { contract, type Method } from '../protocol/contract';
import { ZapError } from '../protocol/errors';
import type { Caller } from '../pod/record';
import type { createHandlers, HandlerContext } from './handlers';

export function serve(readable: Readable, writable: Writable, caller: Caller, handlers: ReturnType<typeof createHandlers>): Connection {
  const definitionOf = (method: string) => (Object.hasOwn(contract, method) ? contract[method as Method] : undefined);
  return new Connection(readable, writable, {
    survivesClose: (method) => (definitionOf(method) as { survivesClose?: true } | undefined)?.survivesClose ?? false,
    handler: async (method, params, context) => {
      const definition = definitionOf(method);
      if (!definition) throw new ZapError('host/protocol', `The helper has no call "${method.slice(0, 60)}".`, { hint: 'Use the same version of Zap on both sides.' });
      const parsed = definition.in.safeParse(params);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new ZapError('usage/invalid-request', `The request "${method}" is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), { data: { method, path: issue?.path.join('.') } });
      }
      const handler = handlers[method as Method] as (params: unknown, context: HandlerContext<Method>) => Promise<unknown>;
      return await handler(parsed.data, { ...context, caller, event: context.event });
    },
  });
}
