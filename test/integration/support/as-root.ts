/** Tests that need a lab, and so root. Without it nothing of them can be tested: said loudly, and in CI a failure. */
import { describe, test } from 'vitest';

export function describeAsRoot(name: string, define: () => void): void {
  if (process.getuid?.() === 0) {
    describe(name, { timeout: 60_000 }, define);
  } else if (process.env['CI']) {
    test(name, () => {
      throw new Error('a skipped test is a failure here: a lab needs root');
    });
  } else {
    console.warn(`\n*** SKIPPED: ${name}: a lab needs root. Nothing about it was tested. ***\n`);
    test.skip(`${name}: a lab needs root`, () => {});
  }
}
