/**
 * Owners in another range of ids.
 *
 * A POD's files carry ids shifted by its base; moved to another base, the ids inside of attributes must follow: in POSIX ACLs, and in file
 * capabilities of version 3, which name the root user of the namespace that granted them.
 */
import { idsPerPod } from '../system/mounts';
import { unsafeArchive } from './entry';

export type MapId = (id: number) => number;

/** Maps one range of ids to another of the same size; refuses ids outside of it. */
export function shiftIds(fromBase: number, toBase: number, count = idsPerPod): MapId {
  return (id) => {
    if (id < fromBase || id >= fromBase + count) throw unsafeArchive(`the owner ${id} is outside of the range of ids`, '');
    return id - fromBase + toBase;
  };
}

const ACL_USER = 2;
const ACL_GROUP = 8;
const CAPABILITY_V3 = 3;

export function mapXattr(name: string, value: Buffer, mapId: MapId): Buffer {
  if (name === 'system.posix_acl_access' || name === 'system.posix_acl_default') return mapAcl(value, mapId);
  if (name === 'security.capability' && value.length === 24 && value[3] === CAPABILITY_V3) {
    const mapped = Buffer.from(value);
    mapped.writeUInt32LE(mapId(value.readUInt32LE(20)), 20);
    return mapped;
  }
  return value;
}

function mapAcl(value: Buffer, mapId: MapId): Buffer {
  const mapped = Buffer.from(value);
  for (let entry = 4; entry + 8 <= value.length; entry += 8) {
    const tag = value.readUInt16LE(entry);
    if (tag === ACL_USER || tag === ACL_GROUP) mapped.writeUInt32LE(mapId(value.readUInt32LE(entry + 4)), entry + 4);
  }
  return mapped;
}
