/** Which CRIU there is, and what it and the kernel can do: asked, never inferred from a version. */
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { criuFailure } from './failure';
import { messageType, type CriuFeatures, type CriuRequest, type CriuResponse } from './messages';
import { CriuSession } from './session';

export interface CriuVersion {
  major: number;
  minor: number;
  sublevel: number;
}

export interface FoundCriu {
  binary: string;
  version: CriuVersion;
}

/** Older ones cannot dump a TCP socket on kernels from 6.16 on. */
export const oldestUsable: CriuVersion = { major: 4, minor: 2, sublevel: 0 };

/** The one carried along first: a distribution's may be too old for the kernel it comes with. */
const usualPlaces = ['/usr/lib/zap/criu/criu', '/usr/local/sbin/criu', '/usr/sbin/criu', '/usr/bin/criu'];

/** The first CRIU that is new enough. `ZAP_CRIU` names one that goes before all others. */
export async function findCriu(places: readonly string[] = [...(process.env['ZAP_CRIU'] ? [process.env['ZAP_CRIU']] : []), ...usualPlaces]): Promise<FoundCriu> {
  const tooOld: FoundCriu[] = [];
  const failures: unknown[] = [];
  for (const binary of places) {
    if (!isExecutable(binary)) continue;
    try {
      const version = await criuVersion(binary);
      if (compareVersions(version, oldestUsable) >= 0) return { binary, version };
      tooOld.push({ binary, version });
    } catch (error) {
      failures.push(error);
    }
  }
  const [old] = tooOld;
  if (old) {
    throw new ZapError('criu/too-old', `The CRIU of this host is ${formatVersion(old.version)}; ${formatVersion(oldestUsable)} or newer is needed.`, {
      hint: 'Install a newer CRIU (Debian: the criu package of forky or sid).',
      data: { binary: old.binary, version: old.version },
    });
  }
  if (failures[0] !== undefined) throw failures[0];
  throw new ZapError('criu/not-installed', 'CRIU is not installed on this host.', { hint: 'Install CRIU 4.2 or newer.', data: { places: [...places] } });
}

export async function criuVersion(binary: string): Promise<CriuVersion> {
  const { version } = await ask(binary, { type: messageType.version });
  if (!version) throw new ZapError('criu/version-unknown', 'CRIU does not say which version it is.', { data: { binary } });
  return { major: version.major, minor: version.minor, sublevel: version.sublevel ?? 0 };
}

export async function criuFeatures(binary: string): Promise<CriuFeatures> {
  const response = await ask(binary, { type: messageType.featureCheck, features: { memTrack: true, lazyPages: true, pidfdStore: true } });
  if (!response.success) throw new ZapError('criu/features-unknown', 'CRIU cannot tell what this kernel can do.', { data: { binary } });
  return { memTrack: false, lazyPages: false, pidfdStore: false, ...response.features };
}

/** `criu check`: the kernel has what every dump needs. Rejects with what is missing. */
export async function checkCriu(binary: string): Promise<void> {
  await inScratch(async (directory) => {
    const logFile = 'check.log';
    await using session = await CriuSession.start({ binary, workDirectory: directory });
    const response = await session.ask({ type: messageType.check, opts: { imagesDirFd: -1, imagesDir: directory, logFile, logLevel: 1 } });
    if (response.success) return;
    throw criuFailure({ operation: 'check', log: readFileSync(join(directory, logFile), 'utf8'), message: response.crErrmsg, errno: response.crErrno });
  });
}

export function compareVersions(a: CriuVersion, b: CriuVersion): number {
  return a.major - b.major || a.minor - b.minor || a.sublevel - b.sublevel;
}

export function formatVersion(version: CriuVersion): string {
  return version.sublevel === 0 ? `${version.major}.${version.minor}` : `${version.major}.${version.minor}.${version.sublevel}`;
}

async function ask(binary: string, request: CriuRequest): Promise<CriuResponse> {
  return await inScratch(async (workDirectory) => {
    await using session = await CriuSession.start({ binary, workDirectory });
    return await session.ask(request);
  });
}

export async function inScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'zap-criu-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
