/**
 * koffi's native part must be loaded from a file: in the single executable it is an asset, written beside the executable at the first start (that
 * directory belongs to root). Imported before koffi, for its effect.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';

if (isSea()) {
  const directory = dirname(process.execPath);
  const target = join(directory, 'koffi', `linux_${process.arch}`, 'koffi.node');
  (process as { resourcesPath?: string }).resourcesPath = directory; // where koffi looks besides node_modules
  if (!existsSync(target)) {
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    const partial = `${target}.${process.pid}`;
    writeFileSync(partial, Buffer.from(getRawAsset('koffi.node')), { mode: 0o644 });
    renameSync(partial, target);
  }
}
