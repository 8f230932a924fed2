/** Where and as whom a host is reached, and through which others. */
export interface SshTarget {
  /** What people call it; for messages. */
  name: string;
  address: string;
  port: number;
  user: string;
  /** A key that the person named: without it nothing works, so that its absence is an error. */
  identityFile?: string | undefined;
  /** Keys that a configuration lists; those that are not there are passed over. The usual ones when absent. */
  identityFiles?: readonly string[] | undefined;
  /** Only the keys named are offered, whatever the agent holds. */
  identitiesOnly?: boolean | undefined;
  /** Socket of the SSH agent; `none` forbids one. SSH_AUTH_SOCK when absent. */
  identityAgent?: string | undefined;
  hostKeyAlias?: string | undefined;
  /** Read besides Zap's own. OpenSSH's usual ones when absent. */
  knownHostsFiles?: readonly string[] | undefined;
  /** A program of this computer that leads to the host, instead of a connection; not used behind jumps. */
  proxyCommand?: string | undefined;
  /** Hosts to go through, nearest first. */
  jumps?: readonly SshTarget[] | undefined;
}

/** `user@address:port`, the port only where it is not the usual one. */
export function formatTarget({ user, address, port }: Pick<SshTarget, 'user' | 'address' | 'port'>): string {
  const host = address.includes(':') && port !== 22 ? `[${address}]` : address;
  return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}
