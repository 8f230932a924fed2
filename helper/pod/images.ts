/**
 * Where a transfer's images lie: in memory, on a tmpfs of their own.
 *
 * With huge pages where a file is large enough for them, writing and reading images costs a fifth (10 GB/s instead of 2): it is page by page that a tmpfs is
 * slow. Own to each POD, so that it is gone with one call.
 */
import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { attachMount, detachMount, newFilesystem } from '../system/mounts';
import { podPaths } from './paths';

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

/** Never on a swap device, which would keep what a POD knew; kernels before 6.4 do not know how, and some have no huge pages. */
export function newImageFilesystem(): number {
  const wishes = [{ huge: 'within_size', noswap: true }, { noswap: true }, { huge: 'within_size' }] as const;
  for (const wish of wishes) {
    try {
      return newFilesystem('tmpfs', { mode: '0700', ...wish });
    } catch {
      // the next one asks for less
    }
  }
  return newFilesystem('tmpfs', { mode: '0700' });
}

export function removeImages(podId: string): void {
  const { images } = podPaths(podId);
  while (detachMount(images));
  rmSync(images, { recursive: true, force: true });
}
