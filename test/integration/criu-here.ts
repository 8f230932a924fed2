/**
 * A real CRIU for tests of the engine on this machine: the installed one if it is new enough, else the one of the lab's hosts, started through their
 * loader. Without root nothing can be tested: said loudly, and in CI a failure.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { findCriu } from '../../helper/criu/features';
import { ensureTree } from '../lab/tree';

const loaders = { x64: ['lib64/ld-linux-x86-64.so.2', 'x86_64-linux-gnu'], arm64: ['lib/ld-linux-aarch64.so.1', 'aarch64-linux-gnu'] } as const;

async function criuOrReason(): Promise<{ binary: string } | { reason: string }> {
  if (process.getuid?.() !== 0) return { reason: 'it needs root' };
  try {
    return { binary: (await findCriu()).binary };
  } catch {
    return await criuOfTheLab().catch((error: unknown) => ({ reason: String(error) }));
  }
}

async function criuOfTheLab(): Promise<{ binary: string }> {
  const tree = await ensureTree((line) => console.info(line));
  const [loader, triplet] = loaders[process.arch === 'arm64' ? 'arm64' : 'x64'];
  const directory = mkdtempSync(join(tmpdir(), 'zap-criu-here-'));
  process.once('exit', () => rmSync(directory, { recursive: true }));
  const binary = join(directory, 'criu');
  writeFileSync(binary, `#!/bin/sh\nexec '${tree}/${loader}' --library-path '${tree}/usr/lib/${triplet}' '${tree}/usr/sbin/criu' "$@"\n`);
  chmodSync(binary, 0o755);
  await findCriu([binary]);
  return { binary };
}

const found = await criuOrReason();

export function describeWithCriu(name: string, define: (binary: string) => void): void {
  if ('binary' in found) {
    describe(name, () => define(found.binary));
  } else if (process.env['CI']) {
    test(name, () => {
      throw new Error(`a skipped test is a failure here: ${found.reason}`);
    });
  } else {
    console.warn(`\n*** SKIPPED: ${name}: ${found.reason} ***\n`);
    test.skip(`${name}: ${found.reason}`, () => {});
  }
}
