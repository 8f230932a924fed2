/** The keys that a person may be known by: what the agent holds and what lies in files, each once, in the order in which they are tried. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { utils, type ParsedKey } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import { keysOfAgent, type OneKeyAgent } from './agents';
import { fingerprint } from './known-hosts';
import type { SshTarget } from './target';

const usualIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

export type Identity =
  | { kind: 'agent'; label: string; agent: OneKeyAgent }
  | { kind: 'file'; label: string; path: string; key: Buffer }
  /** `publicKey` is known where the .pub file lies beside it: then nobody is asked before the server has shown interest. */
  | { kind: 'locked'; label: string; path: string; locked: Buffer; publicKey: ParsedKey | undefined };

export async function identitiesOf(target: SshTarget, onNote: (text: string) => void): Promise<Identity[]> {
  const paths = target.identityFile !== undefined ? [target.identityFile] : (target.identityFiles ?? usualIdentities.map((name) => join(homedir(), '.ssh', name)));
  const files = (await Promise.all(paths.map((path) => readIdentity(target, path, path === target.identityFile)))).filter((file) => file !== undefined);
  const agents = await agentIdentities(target, onNote);
  const inFiles = (agent: OneKeyAgent): boolean => files.some(({ publicKey }) => publicKey !== undefined && isSame(publicKey, agent.key));
  const listed = agents.filter(inFiles);
  const others = target.identitiesOnly ? [] : agents.filter((agent) => !inFiles(agent));
  const fromAgent = [...listed, ...others].map((agent): Identity => ({ kind: 'agent', agent, label: `the agent's key ${agent.key.comment || fingerprint(agent.key.getPublicSSH())}` }));
  const held = (publicKey: ParsedKey | undefined): boolean => publicKey !== undefined && agents.some(({ key }) => isSame(key, publicKey));
  return [...fromAgent, ...files.filter(({ publicKey }) => !held(publicKey)).map(({ identity }) => identity)];
}

async function agentIdentities(target: SshTarget, onNote: (text: string) => void): Promise<OneKeyAgent[]> {
  const socket = target.identityAgent ?? process.env['SSH_AUTH_SOCK'];
  if (!socket || socket === 'none') return [];
  try {
    return await keysOfAgent(socket);
  } catch (error) {
    onNote(`the SSH agent cannot be asked: ${(error as Error).message}`);
    return [];
  }
}

async function readIdentity(target: SshTarget, path: string, isNamed: boolean): Promise<{ identity: Identity; publicKey: ParsedKey | undefined } | undefined> {
  const unreadable = (why: string, cause: unknown): ZapError => new ZapError('host/identity-unreadable', `The identity file of ${target.name} ${why}.`, { hint: 'Name a private key with --identity.', cause, data: { path } });
  const key = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (isNamed) throw unreadable(`cannot be read: ${path} (${error.code ?? error.message})`, error);
    return undefined;
  });
  if (key === undefined) return undefined;
  const label = `the key ${basename(path)}`;
  const parsed = utils.parseKey(key);
  if (!(parsed instanceof Error)) {
    if (parsed.isPrivateKey()) return { identity: { kind: 'file', label, path, key }, publicKey: parsed };
    // A public key in place of the private one stands for what the agent holds.
    return isNamed && target.identitiesOnly !== true ? Promise.reject(unreadable(`is not a private key: ${path}`, undefined)) : undefined;
  }
  if (/passphrase/i.test(parsed.message)) {
    const publicKey = await readPublic(`${path}.pub`);
    return { identity: { kind: 'locked', label, path, locked: key, publicKey }, publicKey };
  }
  if (isNamed) throw unreadable(`is not a private key: ${path}`, parsed);
  return undefined;
}

async function readPublic(path: string): Promise<ParsedKey | undefined> {
  const text = await readFile(path).catch(() => undefined);
  const parsed = text && utils.parseKey(text);
  return parsed === undefined || parsed instanceof Error ? undefined : parsed;
}

function isSame(one: ParsedKey, other: ParsedKey): boolean {
  return one.getPublicSSH().equals(other.getPublicSSH());
}
