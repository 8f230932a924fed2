/** From what a person writes to what the inventory keeps: an address, or a name of SSH's configuration, which then goes on deciding. */
import { ZapError } from '../../helper/protocol/errors';
import { parseDestination } from '../ssh/resolve';
import { parseAddress } from './address';
import type { HostRecord, Inventory } from './inventory';

export interface Wanted {
  /** `user@host[:port]` or a name of SSH's configuration; without it the host's own name is looked up there. */
  destination?: string | undefined;
  jump?: string | undefined;
  identityFile?: string | undefined;
}

export async function recordFor(inventory: Inventory, name: string, { destination, jump, identityFile }: Wanted): Promise<HostRecord> {
  const identity = identityFile === undefined ? {} : { identityFile };
  const aliases = await inventory.sshAliases();
  const alias = destination ?? name;
  if (aliases.includes(parseDestination(alias).host)) {
    if (jump !== undefined) throw new ZapError('usage/bad-arguments', `"${alias}" stands in SSH's configuration, which says how it is reached.`, { hint: 'Write ProxyJump there, or name the host by its address.' });
    return { alias, ...identity };
  }
  if (destination === undefined) {
    throw new ZapError('host/not-in-ssh-config', `SSH's configuration has no host "${name}".`, { hint: `Say where it is: \`zap host add ${name} user@host\`.${aliases.length > 0 ? ` Names there: ${aliases.slice(0, 20).join(', ')}.` : ''}` });
  }
  return { ...parseAddress(destination), ...(jump === undefined ? {} : { jump }), ...identity };
}
