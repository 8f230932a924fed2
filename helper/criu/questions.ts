/** What a CRIU says of itself and of this kernel: asked, never inferred from a version. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { criuFailure } from './failure';
import { messageType, type CriuFeatures, type CriuRequest, type CriuResponse } from './messages';
import { CriuSession } from './session';
import type { CriuVersion } from './version';

/** For what calls itself CRIU and never answers. */
export const answerWithinMs = 10_000;

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
    const response = await askInTime(session, { type: messageType.check, opts: { imagesDirFd: -1, imagesDir: directory, logFile, logLevel: 1 } });
    if (response.success) return;
    throw criuFailure({ operation: 'check', log: readFileSync(join(directory, logFile), 'utf8'), message: response.crErrmsg, errno: response.crErrno });
  });
}

async function ask(binary: string, request: CriuRequest): Promise<CriuResponse> {
  return await inScratch(async (workDirectory) => {
    await using session = await CriuSession.start({ binary, workDirectory });
    return await askInTime(session, request);
  });
}

async function askInTime(session: CriuSession, request: CriuRequest): Promise<CriuResponse> {
  return await inTime(session, answerWithinMs, () => session.ask(request));
}

/** What CRIU is asked, unless it takes longer: then it is killed, and what was begun is undone as after any other death. */
export async function inTime<T>(session: CriuSession, withinMs: number, act: () => Promise<T>): Promise<T> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    process.kill(session.pid, 'SIGKILL');
  }, withinMs);
  try {
    return await act();
  } catch (error) {
    if (!isLate) throw error;
    throw new ZapError('criu/hangs', `CRIU did not answer within ${withinMs / 1000} s.`, { evidence: ZapError.from(error).evidence, cause: error });
  } finally {
    clearTimeout(timer);
  }
}

export async function inScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'zap-criu-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
