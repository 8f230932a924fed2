/** From a host's name to an open transport. */
import type { Prompter } from '../prompts/prompter';
import type { Keyring } from '../secrets/keyring';
import type { AcceptKey, UnknownKey } from '../ssh/host-key';
import { LocalTransport } from '../ssh/local-transport';
import type { SshStep } from '../ssh/connection';
import { openSsh } from '../ssh/ssh-transport';
import { formatTarget, type SshTarget } from '../ssh/target';
import type { Transport } from '../ssh/transport';
import { LOCAL, type Inventory } from './inventory';

export type ConnectStep = SshStep | 'start-helper';

/** Who answers questions on the way to a host. */
export interface Surroundings {
  prompter?: Prompter | undefined;
  keyring?: Keyring | undefined;
  onNote?: ((text: string) => void) | undefined;
  /** How far the way to a host is made. */
  onStep?: ((step: ConnectStep) => void) | undefined;
  /** Decides about unknown keys in place of the person. */
  acceptKey?: AcceptKey | undefined;
}

export interface OpenOptions extends Surroundings {
  signal?: AbortSignal | undefined;
  connectTimeoutMs?: number;
}

export async function openHost(inventory: Inventory, name: string, options: OpenOptions = {}): Promise<Transport> {
  if (name === LOCAL) return new LocalTransport();
  return openTarget(inventory, await inventory.target(name), options);
}

export async function openTarget(inventory: Inventory, target: SshTarget, options: OpenOptions = {}): Promise<Transport> {
  const decide = options.acceptKey ?? askAboutKey(options.prompter, options.signal);
  const acceptKey: AcceptKey | undefined = decide && (async (unknown) => {
    if (!(await decide(unknown))) return false;
    await inventory.trust(unknown.target, unknown.key);
    return true;
  });
  return openSsh(target, { ...options, acceptKey, knownHosts: (hop) => inventory.knownHosts(hop) });
}

function askAboutKey(prompter: Prompter | undefined, signal: AbortSignal | undefined): AcceptKey | undefined {
  if (!prompter?.canAsk) return undefined;
  return ({ target, keyType, fingerprint, otherTypes }: UnknownKey) =>
    prompter.confirm({
      lines: [
        `${target.name} (${formatTarget(target)}) presents a key that is not known yet:`,
        `  ${keyType} ${fingerprint}`,
        ...(otherTypes.length === 0 ? [] : [`Keys of other types are known for it (${otherTypes.join(', ')}), which it does not present.`]),
        'Compare it with the host\'s own.',
      ],
      question: 'Trust it?',
      signal,
    });
}
