/**
 * The hosts that a person works with: hosts.json in Zap's own directory, and the host keys known there and to OpenSSH.
 *
 * `local`, this computer, is always a host and stands in no file.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../../helper/protocol/errors';
import { formatKnownHost, parseKnownHosts, verifyHostKey, type KnownHostLine } from '../ssh/known-hosts';
import { resolveJumps, resolveTarget } from '../ssh/resolve';
import { hostAliases, readSshConfig } from '../ssh/ssh-config';
import type { SshTarget } from '../ssh/target';
import { makeZapHome } from './zap-home';

export { defaultZapHome } from './zap-home';

export const LOCAL = 'local';

export const HostName = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/, 'must be lower-case letters, digits, dots and dashes');

const common = {
  identityFile: z.string().optional(),
  /** A host of the lab, which `zap lab down` takes away. */
  lab: z.boolean().optional(),
};

const AddressRecord = z.strictObject({
  address: z.string().min(1).max(255),
  port: z.number().int().min(1).max(65535),
  user: z.string().min(1).max(64),
  /** Hosts to go through, as ProxyJump lists them. */
  jump: z.string().min(1).max(1000).optional(),
  ...common,
});

/** A name of SSH's configuration, which says the rest each time anew. */
const AliasRecord = z.strictObject({ alias: z.string().min(1).max(300), ...common });

const HostRecord = z.union([AddressRecord, AliasRecord]);
export type HostRecord = z.infer<typeof HostRecord>;

const Document = z.strictObject({ version: z.literal(1), hosts: z.record(HostName, HostRecord) });

export interface InventoryOptions {
  /** SSH's configuration, where it is not the usual one. */
  sshConfigFile?: string | undefined;
}

export class Inventory {
  private constructor(
    readonly zapHome: string,
    private readonly records: Map<string, HostRecord>,
    private readonly options: InventoryOptions,
  ) {}

  static async open(zapHome: string, options: InventoryOptions = { sshConfigFile: process.env['ZAP_SSH_CONFIG'] || undefined }): Promise<Inventory> {
    const file = join(zapHome, 'hosts.json');
    const text = await readOptional(file);
    if (text === undefined) return new Inventory(zapHome, new Map(), options);
    return new Inventory(zapHome, new Map(Object.entries(parseDocument(text, file).hosts)), options);
  }

  /** Names of all hosts but `local`. */
  get names(): string[] {
    return [...this.records.keys()].sort();
  }

  get(name: string): HostRecord {
    const record = this.records.get(name);
    if (!record) {
      throw new ZapError('host/unknown', `There is no host called "${name}".`, { hint: `Hosts: ${[LOCAL, ...this.names].join(', ')}. Add one with \`zap host add NAME user@address\`.`, data: { host: name } });
    }
    return record;
  }

  has(name: string): boolean {
    return name === LOCAL || this.records.has(name);
  }

  async target(name: string): Promise<SshTarget> {
    return this.resolve(name, this.get(name));
  }

  /** Where a record leads, before or after it is added. */
  async resolve(name: string, record: HostRecord, behind: readonly string[] = []): Promise<SshTarget> {
    const { identityFile } = record;
    const own = identityFile === undefined ? {} : { identityFile };
    const resolveOptions = { configFile: this.options.sshConfigFile };
    if ('alias' in record) return { ...(await resolveTarget(name, record.alias, resolveOptions)), ...own };
    const { address, port, user, jump } = record;
    return { name, address, port, user, ...own, ...(jump === undefined ? {} : { jumps: await this.jumps([...behind, name], jump) }) };
  }

  /** Names of SSH's configuration: what could be added by name alone. */
  async sshAliases(): Promise<string[]> {
    const { sshConfigFile } = this.options;
    return hostAliases(await readSshConfig(sshConfigFile === undefined ? undefined : [sshConfigFile]));
  }

  /** Each entry is one of our hosts, with its own jumps, or what ProxyJump takes. */
  private async jumps(behind: readonly string[], list: string): Promise<SshTarget[]> {
    const hops: SshTarget[] = [];
    for (const entry of list.split(',').map((text) => text.trim())) {
      if (behind.includes(entry)) throw new ZapError('host/too-many-jumps', `The way to ${behind[0]} leads in a circle, through ${[...behind.slice(1), entry].join(' and ')}.`, { hint: 'Look at the jumps of `zap host list`.', data: { host: behind[0] } });
      if (!this.records.has(entry)) hops.push(...(await resolveJumps(entry, { configFile: this.options.sshConfigFile })));
      else {
        const { jumps = [], ...hop } = await this.resolve(entry, this.get(entry), behind);
        hops.push(...jumps, hop);
      }
    }
    return hops;
  }

  async add(name: string, record: HostRecord): Promise<void> {
    if (this.has(name)) throw new ZapError('host/name-taken', `There is already a host called "${name}".`, { hint: name === LOCAL ? 'That name is this computer.' : `Remove it first: \`zap host remove ${name}\`.` });
    this.records.set(name, record);
    await this.save();
  }

  async remove(name: string): Promise<HostRecord> {
    if (name === LOCAL) throw new ZapError('host/is-local', '"local" is this computer and cannot be removed.');
    const record = this.get(name);
    this.records.delete(name);
    await this.save();
    return record;
  }

  /** Our own known keys first, then OpenSSH's. */
  async knownHosts(target?: SshTarget): Promise<KnownHostLine[]> {
    const files = [...new Set([this.knownHostsFile, ...(target?.knownHostsFiles ?? usualKnownHosts())])];
    const texts = await Promise.all(files.map(readOptional));
    return texts.flatMap((text, index) => parseKnownHosts(text ?? '', files[index]!));
  }

  /** Remembers a key that a person has accepted. */
  async trust(target: SshTarget, key: Buffer): Promise<void> {
    if (verifyHostKey(await this.knownHosts(target), target, key).kind === 'trusted') return;
    const text = (await readOptional(this.knownHostsFile)) ?? '';
    const separator = text === '' || text.endsWith('\n') ? '' : '\n';
    await this.write(this.knownHostsFile, `${text}${separator}${formatKnownHost(target, key)}\n`);
  }

  private get knownHostsFile(): string {
    return join(this.zapHome, 'known_hosts');
  }

  private async save(): Promise<void> {
    const hosts = Object.fromEntries([...this.records].sort(([a], [b]) => a.localeCompare(b)));
    await this.write(join(this.zapHome, 'hosts.json'), `${JSON.stringify({ version: 1, hosts }, null, 2)}\n`);
  }

  private async write(file: string, text: string): Promise<void> {
    await makeZapHome(this.zapHome);
    const partial = `${file}.${process.pid}`;
    await writeFile(partial, text, { mode: 0o600 });
    await rename(partial, file);
  }
}

function usualKnownHosts(): string[] {
  return [join(homedir(), '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'];
}

function parseDocument(text: string, file: string): z.infer<typeof Document> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ZapError('host/inventory-invalid', `The list of hosts is not JSON: ${file}.`, { hint: 'Mend or remove the file.', cause });
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > 1) throw new ZapError('host/inventory-too-new', `The list of hosts was written by a newer Zap (version ${version}): ${file}.`, { hint: 'Use that version of Zap.' });
  const parsed = Document.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ZapError('host/inventory-invalid', `The list of hosts is not valid at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''} (${file}).`, { hint: 'Mend or remove the file.' });
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ZapError('host/inventory-unreadable', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
