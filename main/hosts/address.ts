/** `user@host`, `user@host:port`, `host`, `[v6]:port`: how people write where a host is. */
import { userInfo } from 'node:os';
import { ZapError } from '../../helper/protocol/errors';

export function parseAddress(text: string): { user: string; address: string; port: number } {
  const match = /^(?:([A-Za-z0-9_][A-Za-z0-9._-]*)@)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[4] ?? 22);
  if (!match || port < 1 || port > 65535) throw new ZapError('usage/bad-address', `"${text}" is not an address of a host.`, { hint: 'Write user@host or user@host:port.' });
  return { user: match[1] ?? userInfo().username, address: match[2] ?? match[3]!, port };
}
