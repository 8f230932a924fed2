/**
 * A real CRIU for tests of the engine on this machine: the installed one if it is new enough, else the one of the lab's hosts, started through their
 * loader. Without root nothing can be tested: said loudly, and in CI a failure.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { findCriu } from '../../helper/criu/features';
import { ensureTree } from '../lab/tree';

const loaders = { x64: ['lib64/ld-linux-x86-64.so.2', 'x86_64-linux-gnu'], arm64: ['lib/ld-linux-aarch64.so.1', 'aarch64-linux-gnu'] } as const;

async function criuOrReason(): Promise<{ binary: string; directory?: string } | { reason: string }> {
  if (process.getuid?.() !== 0) return { reason: 'it needs root' };
  try {
    return { binary: (await findCriu()).binary };
  } catch {
    return await criuOfTheLab().catch((error: unknown) => ({ reason: String(error) }));
  }
}

/** Next to it lie links to the lab's tree and loader, so that nothing needs to be written into the script. */
const script = `#!/bin/sh
here=\${0%/*}
exec "$here/loader" --library-path "$here/libraries" "$here/tree/usr/sbin/criu" "$@"
`;

async function criuOfTheLab(): Promise<{ binary: string; directory: string }> {
  const tree = await ensureTree((line) => console.info(line));
  const [loader, triplet] = loaders[process.arch === 'arm64' ? 'arm64' : 'x64'];
  const directory = mkdtempSync(join(tmpdir(), 'zap-criu-here-'));
  const binary = join(directory, 'criu');
  symlinkSync(tree, join(directory, 'tree'));
  symlinkSync(join(tree, loader), join(directory, 'loader'));
  symlinkSync(join(tree, 'usr/lib', triplet), join(directory, 'libraries'));
  writeFileSync(binary, script, { mode: 0o755 });
  await findCriu([binary]);
  return { binary, directory };
}

const found = await criuOrReason();

export function describeWithCriu(name: string, define: (binary: string) => void): void {
  if ('binary' in found) {
    const { binary, directory } = found;
    describe(name, () => define(binary));
    afterAll(() => directory !== undefined && rmSync(directory, { recursive: true }));
  } else if (process.env['CI']) {
    test(name, () => {
      throw new Error(`a skipped test is a failure here: ${found.reason}`);
    });
  } else {
    console.warn(`\n*** SKIPPED: ${name}: ${found.reason} ***\n`);
    test.skip(`${name}: ${found.reason}`, () => {});
  }
}
