/**
 * A real CRIU for tests of the engine on this machine: the one that the helper brings along, so that it does not matter what is installed here. Without
 * root nothing can be tested: said loudly, and in CI a failure.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { findCriu } from '../../helper/criu/features';
import { readBundle, type CriuBundle } from '../../helper/criu/managed';
import { run } from '../../helper/system/spawn';
import { withLock } from '../lab/lock';

const top = join(import.meta.dirname, '../..');

/** As the build makes it. */
export async function builtBundle(path = join(top, 'dist/criu.bundle'), ...pins: string[]): Promise<CriuBundle> {
  await withLock(join(top, 'node_modules/.zap-build.lock'), () => run(process.execPath, [join(top, 'assets/build/criu.mjs'), path, ...pins], { env: process.env }));
  return readBundle(readFileSync(path));
}

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
