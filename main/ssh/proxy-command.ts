/**
 * A program of this computer that leads to a host: ProxyCommand of SSH's configuration.
 *
 * As ssh does it, the user's shell runs the line with its tokens filled in. What is filled in comes from a command line or an inventory, not from the
 * person who wrote the line, so nothing that a shell could read as more than a word is let in.
 */
import { spawn } from 'node:child_process';
import { homedir, hostname, userInfo } from 'node:os';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { lastLines } from './transport';

export interface ProxyTokens {
  /** What was asked for, before the configuration replaced it. */
  name: string;
  address: string;
  port: number;
  user: string;
  hostKeyAlias?: string | undefined;
}

/** The line with its tokens filled in, as ssh_config(5) lists them for ProxyCommand. */
export function expandProxyCommand(line: string, { name, address, port, user, hostKeyAlias }: ProxyTokens): string {
  const values: Record<string, () => string> = {
    '%': () => '%',
    h: () => word(address),
    p: () => String(port),
    r: () => word(user),
    n: () => word(name),
    k: () => word(hostKeyAlias ?? name),
    d: homedir,
    u: () => userInfo().username,
    i: () => String(userInfo().uid),
    l: hostname,
    L: () => hostname().split('.')[0]!,
  };
  return line.replace(/%(.?)/gs, (_token, letter: string) => {
    const value = Object.hasOwn(values, letter) ? values[letter] : undefined;
    if (!value) throw new ZapError('host/proxy-invalid', `The ProxyCommand for ${name} has a token that Zap does not know: "%${letter}".`, { hint: 'Known are %h, %p, %r, %n, %k, %d, %u, %i, %l, %L and %%.', data: { host: name } });
    return value();
  });
}

function word(value: string): string {
  if (/^[A-Za-z0-9_.:@+][A-Za-z0-9_.:@+%-]*$/.test(value)) return value;
  throw new ZapError('host/proxy-invalid', `"${value}" cannot stand in a ProxyCommand: a shell would read it as more than a name.`, { hint: 'Use letters, digits, dots, dashes and underscores in names of hosts and users.' });
}

export interface Proxy {
  /** Leads to the host's SSH port; the program ends with it. */
  stream: Duplex;
  /** Why the way is not there, when it is the program's fault; asked after the stream has failed. */
  failure(cause: unknown): Promise<ZapError | undefined>;
}

/** For its exit to be known after its output has ended. */
const EXIT_GRACE_MS = 500;

export function startProxy(host: string, command: string): Proxy {
  // A session of its own: Ctrl-C is for this program to hear, not for the way to the host.
  const child = spawn(process.env['SHELL'] || '/bin/sh', ['-c', `exec ${command}`], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)));
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 || isStopped ? undefined : signal === null ? `exit status ${code}` : `killed by ${signal}`));
  });
  let isStopped = false;
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  stream.on('error', () => {}); // told by its end, and by `failure`
  // Either tells that the program ended, and that it was not stopped from here: a write can fail before the end is read.
  let hasEnded = false;
  child.stdin.on('error', (error) => (hasEnded ||= 'syscall' in error));
  stream.once('end', () => {
    hasEnded = true;
    stream.destroy(); // nothing that is sent arrives any more
  });
  stream.once('close', () => {
    isStopped = !hasEnded;
    if (isStopped) child.kill();
    else setTimeout(() => child.kill(), EXIT_GRACE_MS).unref(); // it may be about to say how it ended
  });
  const failure = async (cause: unknown): Promise<ZapError | undefined> => {
    const why = await Promise.race([ended, delay(EXIT_GRACE_MS, undefined, { ref: false })]);
    if (why === undefined) return undefined;
    const evidence = lastLines(said);
    return new ZapError('host/proxy-failed', `The ProxyCommand that leads to ${host} failed (${why})${evidence.length > 0 ? `: ${evidence.at(-1)}` : '.'}`, { hint: 'Try it with ssh: the line stands in its configuration.', evidence, data: { host }, cause });
  };
  return { stream, failure };
}
