/** Electron under Playwright's hand. Once in some hundred starts the two do not find each other: the second attempt is the last. */
import { _electron, errors, type ElectronApplication } from 'playwright-core';

const WITHIN_MS = 30_000;

export async function launchElectron(options: Parameters<typeof _electron.launch>[0]): Promise<ElectronApplication> {
  const attempt = (timeout: number): Promise<ElectronApplication> => _electron.launch({ ...options, timeout });
  return attempt(WITHIN_MS).catch((error: unknown) => {
    if (!(error instanceof errors.TimeoutError)) throw error;
    console.warn('Electron was started and did not answer: once more.');
    return attempt(2 * WITHIN_MS);
  });
}
