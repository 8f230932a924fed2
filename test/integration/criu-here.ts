/**
 * A real CRIU for tests of the engine on this machine: the one that the helper brings along, so that it does not matter what is installed here. Without
 * root nothing can be tested: said loudly, and in CI a failure.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { findCriu } from '../../helper/criu/features';
import { builtBundle } from './criu-bundle';

async function criuOrReason(): Promise<{ binary: string; directory: string } | { reason: string }> {
  if (process.getuid?.() !== 0) return { reason: 'it needs root' };
  const directory = mkdtempSync(join(tmpdir(), 'zap-criu-here-'));
  try {
    const { binary } = await findCriu({ own: [], bundle: await builtBundle(), managedRoot: join(directory, 'criu'), record: join(directory, 'criu.json') });
    return { binary, directory };
  } catch (error) {
    rmSync(directory, { recursive: true });
    return { reason: String(error) };
  }
}

const found = await criuOrReason();

export function describeWithCriu(name: string, define: (binary: string) => void): void {
  if ('binary' in found) {
    const { binary, directory } = found;
    describe(name, () => define(binary));
    afterAll(() => rmSync(directory, { recursive: true, force: true }));
  } else if (process.env['CI']) {
    test(name, () => {
      throw new Error(`a skipped test is a failure here: ${found.reason}`);
    });
  } else {
    console.warn(`\n*** SKIPPED: ${name}: ${found.reason} ***\n`);
    test.skip(`${name}: ${found.reason}`, () => {});
  }
}
