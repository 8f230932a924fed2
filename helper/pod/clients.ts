/**
 * Whoever looks at a POD from outside: viewers, terminal clients, commands run by `exec`.
 *
 * A descriptor that leads out of the POD stops a checkpoint. So each client, in whichever helper process, leaves a file in the POD's run directory;
 * a freeze puts up a barrier there, viewers and terminals see it and let go, and the freeze goes on when their files are gone.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { identify, isAlive, type ProcessIdentity } from '../system/process';
import { podPaths } from './paths';
import type { PodRecord } from './record';

const detachTimeoutMs = 3000;
let counter = 0;

type ClientKind = 'viewer' | 'terminal' | 'exec';

interface Registration {
  kind: ClientKind;
  holder: ProcessIdentity;
  what: string;
}

export interface Client extends Disposable {
  /** Aborted when the POD is about to be frozen. */
  readonly detach: AbortSignal;
}

function registrations(record: PodRecord): { path: string; registration: Registration }[] {
  const { clients } = podPaths(record.id);
  if (!existsSync(clients)) return [];
  return readdirSync(clients).flatMap((name) => {
    const path = join(clients, name);
    try {
      const registration = JSON.parse(readFileSync(path, 'utf8')) as Registration;
      if (isAlive(registration.holder)) return [{ path, registration }];
      rmSync(path, { force: true }); // its helper died
    } catch {
      // let go meanwhile
    }
    return [];
  });
}

/** Announces a client; refused while the POD is being frozen. */
export function registerClient(record: PodRecord, kind: ClientKind, what: string): Client {
  const { clients, freezing, run } = podPaths(record.id);
  mkdirSync(clients, { recursive: true, mode: 0o700 });
  const path = join(clients, `${process.pid}-${counter++}`);
  const registration: Registration = { kind, holder: identify(process.pid)!, what };
  writeFileSync(path, JSON.stringify(registration));
  const abort = new AbortController();
  const watcher = watch(run, (_event, name) => {
    if (name === basename(freezing) && existsSync(freezing)) abort.abort();
  });
  watcher.on('error', () => abort.abort());
  let isReleased = false;
  const release = (): void => {
    if (isReleased) return;
    isReleased = true;
    watcher.close();
    rmSync(path, { force: true });
  };
  if (existsSync(freezing)) {
    release();
    throw new ZapError('pod/busy', `POD "${record.name}" is being frozen.`, { hint: 'Try again in a moment.', data: { pod: record.name } });
  }
  return { detach: abort.signal, [Symbol.dispose]: release };
}

/** Whether anybody is looking at the POD. */
export function hasClients(record: PodRecord): boolean {
  return registrations(record).length > 0;
}

/** Commands that a user started in the POD from outside and that still run; they are not part of the session and cannot move. */
export function runningCommands(record: PodRecord): string[] {
  return registrations(record).filter(({ registration }) => registration.kind === 'exec').map(({ registration }) => registration.what);
}

/** Keeps clients out until disposed; resolves when those there have let go. */
export async function raiseBarrier(record: PodRecord): Promise<Disposable> {
  const { freezing } = podPaths(record.id);
  writeFileSync(freezing, '');
  const lower = (): void => rmSync(freezing, { force: true });
  try {
    const commands = runningCommands(record);
    if (commands.length > 0) {
      throw new ZapError('pod/exec-running', `Commands started with "zap pod exec" still run in POD "${record.name}": ${commands.join(', ')}.`, { hint: 'Let them end first, or start such commands with --detach: then they belong to the POD and move along.' });
    }
    const deadline = performance.now() + detachTimeoutMs;
    while (registrations(record).length > 0) {
      if (performance.now() > deadline) {
        throw new ZapError('pod/clients-attached', `${registrations(record).length} viewers or terminals of POD "${record.name}" did not let go.`, { hint: 'Close them and try again.' });
      }
      await sleep(2);
    }
  } catch (error) {
    lower();
    throw error;
  }
  return { [Symbol.dispose]: lower };
}
