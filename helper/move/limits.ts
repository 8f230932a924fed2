/** How much this host takes of what another one sends. */
import { maxParts } from '../checkpoint/manifest';
import { diskFreeBytes, memoryFreeBytes } from '../preflight/facts';

const maxTreeEntries = 20_000_000;
/** What lies beside the parts of a checkpoint. */
const besideParts = 3;

export interface Limits {
  maxEntries: number;
  maxBytes: number;
}

/** For files on the disk: as many as there is room for. */
export function treeLimits(): Limits {
  return { maxEntries: maxTreeEntries, maxBytes: diskFreeBytes() };
}

/** For a checkpoint that stays one. */
export function checkpointLimits(): Limits {
  return { maxEntries: maxParts + besideParts, maxBytes: diskFreeBytes() };
}

/** For images that become processes at once: they lie in memory. */
export function imageLimits(): Limits {
  return { maxEntries: maxParts, maxBytes: memoryFreeBytes() };
}
