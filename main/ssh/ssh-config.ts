/**
 * OpenSSH's configuration, read and never written.
 *
 * Which hosts it names is always read here: `ssh -G` answers about one name only. What it says about a name is asked of `ssh -G` where OpenSSH is
 * installed (resolve.ts), because only ssh itself knows Match and its tokens; `lookUp` is for machines without it.
 */
import { readFile, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface ConfigLine {
  keyword: string;
  args: string[];
  /** The patterns of each Host block that the line stands in: one in a file, more when files with blocks were included inside blocks. */
  conditions: string[][];
  /** Stands under a Match that only ssh could decide. */
  isUnderMatch: boolean;
}

export interface SshConfig {
  lines: ConfigLine[];
  /** Every file that was read or could appear: what to watch. */
  files: string[];
}

const MAX_DEPTH = 16;

export function defaultSshConfigFiles(): string[] {
  return [join(homedir(), '.ssh/config'), '/etc/ssh/ssh_config'];
}

export async function readSshConfig(files: readonly string[] = defaultSshConfigFiles()): Promise<SshConfig> {
  const config: SshConfig = { lines: [], files: [] };
  for (const file of files) await readInto(config, file, [], false, 0);
  return config;
}

/** Names that stand for one host each: patterns name none. */
export function hostAliases({ lines }: SshConfig): string[] {
  const names = lines.filter(({ keyword }) => keyword === 'host').flatMap(({ args }) => args.filter((name) => !/[*?!]/.test(name)));
  return [...new Set(names)].sort();
}

/** The first value of each keyword that holds for the name, and all of those that add up (identity files). Match blocks are passed over. */
export function lookUp({ lines }: SshConfig, name: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { keyword, args, conditions, isUnderMatch } of lines) {
    if (keyword === 'host' || isUnderMatch || !conditions.every((patterns) => matchesHost(patterns, name))) continue;
    if (keyword === 'identityfile') found.set(keyword, [...(found.get(keyword) ?? []), ...args]);
    else if (!found.has(keyword)) found.set(keyword, args);
  }
  return found;
}

async function readInto(config: SshConfig, file: string, outer: string[][], isUnderMatch: boolean, depth: number): Promise<void> {
  config.files.push(file);
  const text = await readFile(file, 'utf8').catch(() => '');
  let conditions = outer;
  let isMatch = isUnderMatch;
  for (const raw of text.split('\n')) {
    const [keyword, ...args] = words(raw);
    if (keyword === undefined) continue;
    if (keyword === 'host') {
      conditions = [...outer, args];
      isMatch = isUnderMatch;
      config.lines.push({ keyword, args, conditions, isUnderMatch: isMatch });
    } else if (keyword === 'match') {
      conditions = outer;
      isMatch = isUnderMatch || args.join(' ').toLowerCase() !== 'all';
    } else if (keyword === 'include') {
      if (depth < MAX_DEPTH) for (const path of (await Promise.all(args.map((pattern) => included(pattern, file)))).flat()) await readInto(config, path, conditions, isMatch, depth + 1);
    } else config.lines.push({ keyword, args, conditions, isUnderMatch: isMatch });
  }
}

/** Relative to ~/.ssh, or to /etc/ssh for the machine's own file, as ssh_config(5) says. */
async function included(pattern: string, from: string): Promise<string[]> {
  const expanded = expandHome(pattern);
  const absolute = isAbsolute(expanded) ? expanded : join(from.startsWith('/etc/ssh/') ? '/etc/ssh' : join(homedir(), '.ssh'), expanded);
  let paths = ['/'];
  for (const segment of absolute.split('/').filter(Boolean)) {
    if (!/[*?]/.test(segment)) paths = paths.map((path) => join(path, segment));
    else paths = (await Promise.all(paths.map(async (path) => (await readdir(path).catch(() => [])).filter((name) => !name.startsWith('.') && toExpression(segment).test(name)).sort().map((name) => join(path, name))))).flat();
  }
  return paths;
}

export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** `Keyword value`, `Keyword=value`, quotes around arguments with spaces; the keyword in lower case. */
function words(raw: string): string[] {
  const line = raw.trim();
  if (line === '' || line.startsWith('#')) return [];
  const [, keyword, rest] = /^([A-Za-z0-9]+)(?:\s*=\s*|\s+)?(.*)$/.exec(line) ?? [];
  if (keyword === undefined) return [];
  const args = [...(rest ?? '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
  const comment = args.findIndex((word) => word.startsWith('#'));
  return [keyword.toLowerCase(), ...(comment < 0 ? args : args.slice(0, comment))];
}

function matchesHost(patterns: readonly string[], name: string): boolean {
  let isMatch = false;
  for (const pattern of patterns) {
    if (!toExpression(pattern.replace(/^!/, '')).test(name)) continue;
    if (pattern.startsWith('!')) return false;
    isMatch = true;
  }
  return isMatch;
}

function toExpression(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 'i');
}
