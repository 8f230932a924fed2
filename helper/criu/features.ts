/**
 * Which CRIU is used on this host: its own if that passes the self-test, else the one that came with the helper.
 *
 * The self-test takes half a second, so its result is kept until anything changes that it depends on: the kernel, the boot, any file involved.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { ZapError, type WireError } from '../protocol/errors';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { Lock } from '../system/lock';
import { bootId } from '../system/process';
import { carriedBundle, ensureManaged, managedDirectory, type CriuBundle } from './managed';
import { probeCriu } from './probe';
import { checkCriu, criuVersion } from './questions';
import { compareVersions, formatVersion, oldestUsable, type CriuVersion } from './version';

export { formatVersion, type CriuVersion } from './version';

export interface FoundCriu {
  binary: string;
  version: CriuVersion;
  /** Whether it is the host's own or came with the helper. */
  origin: 'host' | 'managed';
  /** Sentences for a person: why the host's own is not used, what was damaged. */
  remarks: string[];
}

export interface CriuPlaces {
  /** The host's own, in the order of preference. */
  own: readonly string[];
  bundle: CriuBundle | undefined;
  managedRoot: string;
  /** On a tmpfs. */
  record: string;
}

const usualPlaces: CriuPlaces = {
  own: ['/usr/local/sbin/criu', '/usr/sbin/criu', '/usr/bin/criu'],
  bundle: carriedBundle(),
  managedRoot: '/var/lib/zap/criu',
  record: '/run/zap/criu.json',
};

/** For one doctor, who asks more than once; whoever mends something and tries again should not be told the old answer. */
const failureFreshMs = 10_000;
/** What fails sooner can as well be tried again. */
const slowMs = 1000;
/** Changes whenever a library of the host is installed. */
const libraryCache = '/etc/ld.so.cache';

/** A CRIU that dumps and restores on this host; rejects with what is wrong with the last one tried. */
export async function findCriu(places: CriuPlaces = usualPlaces): Promise<FoundCriu> {
  const known = recall(places);
  if (known) return known;
  using _lock = await Lock.take(`${places.record}.lock`);
  const meanwhile = recall(places);
  if (meanwhile) return meanwhile;
  const startedMs = performance.now();
  try {
    const found = await choose(places);
    writeFileAtomic(places.record, JSON.stringify({ circumstances: circumstances(places, found.origin), found }));
    return found;
  } catch (error) {
    if (performance.now() - startedMs > slowMs) writeFileAtomic(places.record, JSON.stringify({ circumstances: circumstances(places, 'managed'), failure: ZapError.from(error).toWire(), atMs: Date.now() }));
    throw error;
  }
}

async function choose({ own, bundle, managedRoot }: CriuPlaces): Promise<FoundCriu> {
  const remarks: string[] = [];
  let failure: ZapError | undefined;
  for (const binary of own.filter(isExecutable)) {
    try {
      return { binary, version: await selfTest(binary), origin: 'host', remarks };
    } catch (error) {
      failure ??= ZapError.from(error);
      remarks.push(`The host's own CRIU (${binary}) is not used: ${ZapError.from(error).message}`);
    }
  }
  if (!bundle) {
    throw failure ?? new ZapError('criu/not-installed', 'CRIU is not installed on this host, and this helper was built without one.', { hint: `Install CRIU ${formatVersion(oldestUsable)} or newer.`, data: { places: [...own] } });
  }
  const { binary, replaced } = await ensureManaged(bundle, managedRoot);
  if (replaced.length > 0) remarks.push(`The CRIU that Zap brings along was damaged on this host (${replaced.join(', ')}) and has been replaced.`);
  try {
    return { binary, version: await selfTest(binary), origin: 'managed', remarks };
  } catch (thrown) {
    const error = ZapError.from(thrown);
    throw new ZapError(error.code, `The CRIU that Zap brings along does not work on this host: ${error.message}`, {
      hint: error.hint,
      evidence: [...remarks, ...(error.evidence ?? [])],
      data: { ...error.data, binary },
      cause: error,
    });
  }
}

/** New enough, the kernel has what it needs, and it has dumped and restored a tree. */
async function selfTest(binary: string): Promise<CriuVersion> {
  const version = await criuVersion(binary);
  if (compareVersions(version, oldestUsable) < 0) {
    throw new ZapError('criu/too-old', `CRIU ${formatVersion(version)} is too old; ${formatVersion(oldestUsable)} or newer is needed.`, {
      hint: 'Install a newer CRIU (Debian: the criu package of forky or sid).',
      data: { binary, version },
    });
  }
  await checkCriu(binary);
  const result = await probeCriu(binary);
  if (!result.isWorking) throw result.failure;
  return version;
}

interface Kept {
  circumstances: string;
  found?: FoundCriu;
  failure?: WireError;
  atMs?: number;
}

/** Throws a failure that is only just known: trying for it again may take as long as the patience with a CRIU that hangs. */
function recall(places: CriuPlaces): FoundCriu | undefined {
  const text = readFileIfThere(places.record);
  if (text === undefined) return undefined;
  const kept = JSON.parse(text) as Kept;
  if (kept.found) return kept.circumstances === circumstances(places, kept.found.origin) ? kept.found : undefined;
  const isFresh = Math.abs(Date.now() - (kept.atMs ?? 0)) < failureFreshMs && kept.circumstances === circumstances(places, 'managed');
  if (isFresh && kept.failure) throw ZapError.fromWire(kept.failure);
  return undefined;
}

/** Everything that the choice depends on. A file whose content changes gets a new ctime, which nobody can set. */
function circumstances({ own, bundle, managedRoot }: CriuPlaces, origin: FoundCriu['origin']): string {
  const managed = bundle && origin === 'managed' ? bundle.files.map(({ path }) => join(managedDirectory(bundle, managedRoot), path)) : [];
  const files = [...own, libraryCache, ...managed].map((path) => {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return [path, stat && [stat.dev, stat.ino, stat.size, stat.ctimeNs].join(':')];
  });
  return JSON.stringify({ format: 1, kernel: release(), bootId: bootId(), bundle: bundle?.digest, files });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
