/** What SSH's configuration says about a name: asked of `ssh -G` where OpenSSH is installed, else of our own reading of the files. */
import { execFile } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { homedir, userInfo } from 'node:os';
import { ZapError } from '../../helper/protocol/errors';
import { expandProxyCommand } from './proxy-command';
import { expandHome, lookUp, readSshConfig } from './ssh-config';
import type { SshTarget } from './target';

export interface ResolveOptions {
  /** Read instead of the usual files, as `ssh -F` does. */
  configFile?: string | undefined;
  /** The program to ask; for machines without it. */
  sshProgram?: string;
  signal?: AbortSignal | undefined;
}

const MAX_JUMPS = 8;
/** Longer than any `Match exec` that a person would bear. */
const ASK_TIMEOUT_MS = 10_000;

type Values = Map<string, string[]>;

/** `destination` is a name of the configuration, or `[user@]host[:port]` as ProxyJump takes it. */
export async function resolveTarget(name: string, destination: string, options: ResolveOptions = {}, jumpDepth = 0): Promise<SshTarget> {
  const { user, host, port } = parseDestination(destination);
  const values = await askConfig(host, { user, port }, options);
  const one = (keyword: string): string | undefined => values.get(keyword)?.join(' ') || undefined;
  const target: SshTarget = {
    name,
    address: (one('hostname') ?? host).replaceAll('%h', host),
    port: port ?? Number(one('port') ?? 22),
    user: user ?? one('user') ?? userInfo().username,
    identityFiles: (values.get('identityfile') ?? []).filter((file) => file !== 'none').map((file) => keyPath(file)),
    identitiesOnly: one('identitiesonly') === 'yes',
    ...(values.get('identityfile') === undefined ? { identityFiles: undefined } : {}),
    ...definedFrom({ identityAgent: agentOf(one('identityagent')), hostKeyAlias: one('hostkeyalias') }),
    ...knownHostsOf(values),
  };
  const jump = one('proxyjump');
  if (jump === undefined || jump === 'none') return { ...target, ...proxyOf(values, host, target) };
  return { ...target, jumps: await resolveJumps(jump, options, jumpDepth) };
}

/** A list of ProxyJump: each entry may be a name with a way of its own, which comes before it; only the first's is used, as ssh does. */
export async function resolveJumps(list: string, options: ResolveOptions = {}, depth = 0): Promise<SshTarget[]> {
  const entries = list.split(',').map((entry) => entry.trim().replace(/^ssh:\/\//, '')).filter(Boolean);
  if (depth + entries.length > MAX_JUMPS) throw new ZapError('host/too-many-jumps', `The way leads through more than ${MAX_JUMPS} hosts.`, { hint: 'Does a ProxyJump of the SSH configuration lead in a circle?' });
  const jumps: SshTarget[] = [];
  for (const [index, entry] of entries.entries()) {
    const { jumps: before, ...found } = await resolveTarget(entry, entry, options, depth + entries.length);
    if (index === 0) jumps.push(...(before ?? []), found);
    else {
      const { proxyCommand: _unused, ...hop } = found;
      jumps.push(hop);
    }
  }
  return jumps;
}

export function parseDestination(text: string): { user?: string | undefined; host: string; port?: number | undefined } {
  const match = /^(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^:\s]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[2] ?? match?.[3];
  const port = match?.[4] === undefined ? undefined : Number(match[4]);
  // A name that starts with a dash would be an option of ssh.
  if (host === undefined || host.startsWith('-') || match?.[1]?.startsWith('-') || (port !== undefined && (port < 1 || port > 65535))) {
    throw new ZapError('usage/bad-address', `"${text}" is not an address of a host.`, { hint: 'Write a name of your SSH configuration, user@host or user@host:port.' });
  }
  return { user: match?.[1], host, port };
}

async function askConfig(host: string, typed: { user: string | undefined; port: number | undefined }, options: ResolveOptions): Promise<Values> {
  // What was typed goes before the configuration, and Match may look at it.
  const args = ['-G', ...(options.configFile === undefined ? [] : ['-F', options.configFile]), ...(typed.user === undefined ? [] : ['-l', typed.user]), ...(typed.port === undefined ? [] : ['-p', String(typed.port)]), host];
  const answer = await askSsh(options.sshProgram ?? 'ssh', args, options.signal);
  return answer === undefined ? lookUp(await readSshConfig(options.configFile === undefined ? undefined : [options.configFile]), host) : parseAnswer(answer);
}

/** Undefined where there is no ssh. */
function askSsh(program: string, args: string[], signal: AbortSignal | undefined): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: ASK_TIMEOUT_MS, ...(signal ? { signal } : {}) }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return resolve(undefined);
      const lines = stderr.trim().split('\n').slice(-5);
      reject(new ZapError('host/ssh-config-invalid', `SSH does not accept its configuration: ${lines.at(-1) || error.message}`, { hint: 'Mend the file that it names.', evidence: lines, cause: error }));
    });
  });
}

function parseAnswer(text: string): Values {
  const values: Values = new Map();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const keyword = line.slice(0, space);
    values.set(keyword, [...(values.get(keyword) ?? []), line.slice(space + 1)]);
  }
  return values;
}

function proxyOf(values: Values, host: string, { address, port, user, hostKeyAlias }: SshTarget): { proxyCommand?: string } {
  const line = values.get('proxycommand')?.join(' ');
  if (!line || line.toLowerCase() === 'none') return {};
  if (values.get('proxyusefdpass')?.[0] === 'yes') {
    throw new ZapError('host/proxy-invalid', `The SSH configuration reaches ${host} by a ProxyCommand that hands over a connection (ProxyUseFdpass), which Zap cannot take.`, { hint: 'Leave ProxyUseFdpass out: a command that passes the bytes on works.', data: { host } });
  }
  return { proxyCommand: expandProxyCommand(line, { name: host, address, port, user, hostKeyAlias }) };
}

function keyPath(file: string): string {
  const path = expandHome(file.replaceAll('%d', homedir()));
  return isAbsolute(path) ? path : join(process.cwd(), path);
}

function agentOf(value: string | undefined): string | undefined {
  if (value === undefined || value === 'SSH_AUTH_SOCK') return undefined;
  return value.startsWith('$') ? process.env[value.replace(/^\$\{?|\}$/g, '')] : expandHome(value);
}

function knownHostsOf(values: Values): { knownHostsFiles?: string[] } {
  const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((keyword) => (values.get(keyword) ?? []).flatMap((list) => list.split(/\s+/)));
  return files.length === 0 ? {} : { knownHostsFiles: files.filter((file) => file !== 'none').map((file) => expandHome(file)) };
}

function definedFrom<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
