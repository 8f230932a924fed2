/** For tests that need a real CRIU: runs them, or says loudly why not; in CI that is a failure. */
import { describe, test } from 'vitest';
import { findCriu } from './features';

export async function criuOrReason(): Promise<{ binary: string } | { reason: string }> {
  if (process.getuid?.() !== 0) return { reason: 'not root' };
  try {
    return { binary: (await findCriu()).binary };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

export function describeWithCriu(name: string, define: (binary: string) => void): void {
  if ('binary' in found) {
    const { binary } = found;
    describe(name, () => define(binary));
    return;
  }
  const { reason } = found;
  if (process.env['CI']) {
    test(`${name} needs CRIU`, () => {
      throw new Error(`skipped tests are failures here: ${reason}`);
    });
  } else {
    console.warn(`\n*** SKIPPED: ${name}: ${reason} ***\n`);
    test.skip(`${name} (${reason})`, () => {});
  }
}

const found = await criuOrReason();
