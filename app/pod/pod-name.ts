/** Names that PODs may have, and one that is still free. */
import type { EnvironmentInfo } from '../../main/contract';

export const podNamePattern = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

export function freeName(environment: Pick<EnvironmentInfo, 'names'>, taken: ReadonlySet<string>): string {
  const base = (environment.names[0] ?? 'pod').replace(/[^a-z0-9-]+/g, '-').slice(0, 30).replace(/^-+|-+$/g, '') || 'pod';
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
