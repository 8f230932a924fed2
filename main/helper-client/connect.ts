/** From an open transport to a helper that answers: start it, install it first where it is missing. */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { nobody, type Prompter } from '../prompts/prompter';
import { SessionKeyring, type Keyring } from '../secrets/keyring';
import type { RemoteProcess, Transport } from '../ssh/transport';
import { HelperClient } from './client';
import { executableFor, machineOfArch, type HelperExecutable } from './executable';
import { skipToGreeting } from './greeting';
import { install, parseMissing, startFailure, startHere, startInstalled, type MissingHelper } from './install';
import { RootAccess } from './root-access';

export interface ConnectOptions {
  host: string;
  executable: HelperExecutable;
  /** This computer: the executable is started where it lies. */
  isLocal: boolean;
  signal?: AbortSignal | undefined;
  /** Called while the helper is copied to a host that does not have it. */
  onInstall?: ((bytes: number, totalBytes: number) => void) | undefined;
  /** What is done about a helper that is not as it should be, for people. */
  onNote?: ((text: string) => void) | undefined;
  greetingTimeoutMs?: number;
  /** Who is asked for sudo's password. */
  prompter?: Prompter | undefined;
  keyring?: Keyring | undefined;
}

/** The host hashes the executable first, which a slow one needs seconds for. */
const GREETING_TIMEOUT_MS = 30_000;

/** Takes the transport over: it is closed with the client, or when this fails. */
export async function connectHelper(transport: Transport, options: ConnectOptions): Promise<HelperClient> {
  const dispose = (): void => transport.close();
  options.signal?.addEventListener('abort', dispose, { once: true });
  try {
    const root = new RootAccess(options.host, { prompter: options.prompter ?? nobody, keyring: options.keyring ?? new SessionKeyring(), signal: options.signal });
    const first = await tryStart(transport, root, options);
    if (!('freeKib' in first)) return await HelperClient.over(options.host, first, transport);
    if (first.isDamaged) options.onNote?.(`${options.host}: the helper there is damaged; it is replaced`);
    await install(transport, options.host, options.executable, { root, missing: first, signal: options.signal, onBytes: options.onInstall });
    const second = await tryStart(transport, root, options);
    if ('freeKib' in second) {
      throw new ZapError('host/helper-mismatch', `The helper was installed on ${options.host}, and is not there now.`, { hint: 'Look at /var/lib/zap/helper there: it must belong to root and be readable.', data: { host: options.host } });
    }
    return await HelperClient.over(options.host, second, transport);
  } catch (error) {
    dispose();
    if (options.signal?.aborted) throw new ZapError('cancelled/by-user', `Cancelled while connecting to ${options.host}.`, { cause: error });
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', dispose);
  }
}

/** A process whose greeting has gone by, or what there is on a host that lacks the executable. */
async function tryStart(transport: Transport, root: RootAccess, options: ConnectOptions): Promise<RemoteProcess | MissingHelper> {
  for (;;) {
    const child = options.isLocal ? await startHere(transport, root, executableFor(options.executable, machineOfArch(process.arch)) ?? options.executable) : await startInstalled(transport, root, options.executable);
    child.stdin.on('error', () => {}); // told by the end of its output
    let stderr = '';
    const onStderr = (chunk: Buffer): void => void (stderr = (stderr + chunk.toString()).slice(-16384));
    child.stderr.on('data', onStderr);
    try {
      await withTimeout(skipToGreeting(child.stdout), options.greetingTimeoutMs ?? GREETING_TIMEOUT_MS, options.host);
      await root.worked();
      return child;
    } catch (error) {
      const status = await Promise.race([child.exit, delay(1000, null, { ref: false })]);
      const missing = parseMissing(stderr);
      if (missing) return missing;
      if (await root.canTryAgain(stderr)) continue;
      const shown = stderr.trim() !== '' ? stderr : error instanceof ZapError ? (error.evidence ?? []).join('\n') : '';
      throw (error instanceof ZapError && error.code === 'host/timeout' ? undefined : startFailure(options.host, status, shown)) ?? error;
    } finally {
      child.stderr.off('data', onStderr);
    }
  }
}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ZapError('host/timeout', `The helper on ${host} did not answer within ${timeoutMs / 1000} s.`, { data: { host } })), timeoutMs);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
