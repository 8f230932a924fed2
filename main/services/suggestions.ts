/** Names of SSH's configuration that could become hosts, looked at again whenever its files change. */
import type { HostSuggestion } from '../contract';
import { watchSshConfig } from '../ssh/watch-config';
import { HostName } from '../hosts/inventory';
import type { Desk } from './desk';

/** More than a person would look through; each costs a run of `ssh -G`. */
const MAX_SUGGESTIONS = 100;

export async function showSuggestions(desk: Desk): Promise<void> {
  const { inventory } = desk;
  const taken = new Set(inventory.names.flatMap((name) => ((record) => ('alias' in record ? [record.alias, name] : [name]))(inventory.get(name))));
  const aliases = (await inventory.sshAliases()).filter((alias) => HostName.safeParse(alias).success && !taken.has(alias)).slice(0, MAX_SUGGESTIONS);
  const suggestions = await Promise.all(
    aliases.map(async (alias): Promise<HostSuggestion[]> => {
      try {
        const { user, address, port, jumps = [] } = await inventory.resolve(alias, { alias });
        return [{ alias, address: `${user}@${address}${port === 22 ? '' : `:${port}`}`, jumps: jumps.map((jump) => jump.name) }];
      } catch {
        return []; // what cannot be reached this way is told when somebody adds it by name
      }
    }),
  );
  desk.store.setSuggestions(suggestions.flat());
}

export async function watchSuggestions(desk: Desk): Promise<Disposable> {
  const update = (): void => void showSuggestions(desk).catch((error: Error) => desk.log.add(`SSH's configuration: ${error.message}`));
  update();
  const file = process.env['ZAP_SSH_CONFIG'];
  return watchSshConfig(update, file ? [file] : undefined);
}
