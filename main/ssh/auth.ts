/** Who we are: the identity file named for the host, else the usual ones, then the agent. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { utils, type AnyAuthMethod } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import type { SshTarget } from './target';

const usualIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

export async function authMethods(target: SshTarget): Promise<AnyAuthMethod[]> {
  const agent = process.env['SSH_AUTH_SOCK'];
  const username = target.user;
  const keys = target.identityFile === undefined ? await readUsual() : [await readNamed(target, target.identityFile, agent !== undefined)];
  const methods: AnyAuthMethod[] = keys.filter((key) => key !== undefined).map((key) => ({ type: 'publickey', username, key }));
  if (agent) methods.push({ type: 'agent', username, agent });
  if (methods.length === 0) {
    throw new ZapError('host/no-identity', `There is no key to log in to ${target.name} with: no identity file and no SSH agent.`, {
      hint: 'Name a key with `zap host add … --identity FILE`, or start an agent (SSH_AUTH_SOCK).',
    });
  }
  return methods;
}

async function readNamed(target: SshTarget, path: string, hasAgent: boolean): Promise<Buffer | undefined> {
  const key = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new ZapError('host/identity-unreadable', `The identity file of ${target.name} cannot be read: ${path} (${cause.code ?? cause.message}).`, { cause });
  });
  const parsed = utils.parseKey(key);
  if (!(parsed instanceof Error)) return key;
  if (/passphrase/i.test(parsed.message)) {
    if (hasAgent) return undefined;
    throw new ZapError('host/identity-locked', `The identity file of ${target.name} is locked by a passphrase: ${path}.`, { hint: 'Add it to an SSH agent: `ssh-add FILE`.' });
  }
  throw new ZapError('host/identity-unreadable', `The identity file of ${target.name} is not a private key: ${path}.`, { cause: parsed });
}

async function readUsual(): Promise<(Buffer | undefined)[]> {
  return Promise.all(
    usualIdentities.map(async (name) => {
      const key = await readFile(join(homedir(), '.ssh', name)).catch(() => undefined);
      return key === undefined || utils.parseKey(key) instanceof Error ? undefined : key; // locked ones are the agent's
    }),
  );
}
