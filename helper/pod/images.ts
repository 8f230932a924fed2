/**
 * Where a transfer's images lie: in memory, on a tmpfs of their own.
 *
 * With huge pages where a file is large enough for them, writing and reading images costs a fifth (10 GB/s instead of 2): it is page by page that a tmpfs is
 * slow. Own to each POD, so that it is gone with one call.
 */
import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { attachMount, detachMount, newFilesystem } from '../system/mounts';
import { podPaths } from './record';

/** An empty directory for the POD's images. */
export function makeImages(podId: string): void {
  removeImages(podId);
  const { images } = podPaths(podId);
  mkdirSync(images, { recursive: true, mode: 0o700 });
  const mount = newImageFilesystem();
  try {
    attachMount(mount, images);
  } finally {
    closeSync(mount);
  }
}

function newImageFilesystem(): number {
  try {
    return newFilesystem('tmpfs', { mode: '0700', huge: 'within_size' });
  } catch {
    return newFilesystem('tmpfs', { mode: '0700' }); // a kernel without huge pages
  }
}

export function removeImages(podId: string): void {
  const { images } = podPaths(podId);
  while (detachMount(images));
  rmSync(images, { recursive: true, force: true });
}
