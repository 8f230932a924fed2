/**
 * The POD's /dev/shm as a part of its checkpoint.
 *
 * To CRIU it is a mount from outside, known on both sides by a key; its content travels as one more file beside the images.
 */
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readArchive } from '../files/archive-read';
import { writeArchive } from '../files/archive-write';
import type { MapId } from '../files/id-shift';

export const shmKey = 'shm';
const archiveName = 'shm.archive';

export async function saveShm(shm: string, images: string): Promise<void> {
  const file = await open(join(images, archiveName), 'w', 0o600);
  try {
    await writeArchive(shm, { write: async (chunk) => void (await file.write(chunk)) });
  } finally {
    await file.close();
  }
}

/** Whether CRIU's dump has given names to files there that were deleted under the name they were opened by: they belong to the checkpoint. */
export function hasLinkRemaps(shm: string): boolean {
  return readdirSync(shm, { recursive: true, encoding: 'utf8' }).some((path) => basename(path).startsWith('link_remap.'));
}

/** `mapId` for a clone, whose ids are others than those that the checkpoint was taken with. */
export async function loadShm(images: string, shm: string, mapId: MapId | undefined): Promise<void> {
  const archive = join(images, archiveName);
  if (!existsSync(archive)) return;
  await readArchive(shm, createReadStream(archive, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>, mapId ? { mapId } : {});
}
