/** The CRIU that the helper brings along, or one of other pins, as the build makes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBundle, type CriuBundle } from '../../helper/criu/managed';
import { run } from '../../helper/system/spawn';
import { withLock } from '../lab/lock';

const top = join(import.meta.dirname, '../..');

export async function builtBundle(path = join(top, 'dist/criu.bundle'), ...pins: string[]): Promise<CriuBundle> {
  await withLock(join(top, 'node_modules/.zap-build.lock'), () => run(process.execPath, [join(top, 'assets/build/criu.mjs'), path, ...pins], { env: process.env }));
  return readBundle(readFileSync(path));
}
