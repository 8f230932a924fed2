/** Names that hosts may have, and one that suits an alias of SSH's configuration. */
export const hostNamePattern = /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/;

export function hostNameOf(alias: string): string {
  const name = alias
    .replace(/^.*@/, '')
    .replace(/:\d+$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, 64)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return name === '' ? 'host' : name;
}
