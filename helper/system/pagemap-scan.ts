/** PAGEMAP_SCAN (Linux 6.7): which pages of a process are there, of which kind; and, where asked, "get and clear" of what was written. */
import { addressOf, checked, libc } from './native';

const ioctl = libc<[number, number, Uint8Array]>('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');
const PAGEMAP_SCAN = 0xc0606610;
const PM_SCAN_WP_MATCHING = 1n;
/** Fails where an area cannot be protected, instead of passing it over. */
const PM_SCAN_CHECK_WPASYNC = 2n;
const argumentBytes = 96;
const regionBytes = 24;
const maxRegions = 1024;

export const page = { canBeProtected: 1n, isWritten: 2n, isFile: 4n, isPresent: 8n, isSwapped: 16n, isZero: 32n } as const;

export interface ScanQuery {
  /** Kinds that a page must be of, and must not be of. */
  all: bigint;
  none: bigint;
  /** Of one of these at least. */
  any: bigint;
  /** What is told of each region; regions are as long as it stays the same. */
  told: bigint;
  /** Protects the pages that were written and match, in the moment in which they are looked at: their next write is seen by the next scan. */
  isProtecting?: boolean;
}

/** An address is passed to koffi as a number of 64 bits in memory, so the regions' buffer must be found there by its own address. */
export interface ScanBuffers {
  argument: Buffer;
  regions: Buffer;
  regionsAddress: bigint;
}

export function makeScanBuffers(): ScanBuffers {
  const regions = Buffer.allocUnsafeSlow(maxRegions * regionBytes);
  return { argument: Buffer.alloc(argumentBytes), regions, regionsAddress: addressOf(regions) };
}

export interface PageRegion {
  start: number;
  end: number;
  kinds: bigint;
}

/** Regions in the order of their addresses. Where the kernel refuses it throws; what a protecting scan had protected before is not told then. */
export function* scanPages(pagemap: number, range: { start: number; end: number }, query: ScanQuery, { argument, regions, regionsAddress }: ScanBuffers): Generator<PageRegion> {
  const end = BigInt(range.end);
  const flags = query.isProtecting ? PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC : 0n;
  for (let start = BigInt(range.start); start < end; ) {
    const fields = [BigInt(argumentBytes), flags, start, end, 0n, regionsAddress, BigInt(maxRegions), 0n, query.none, query.all | query.none, query.any, query.told];
    fields.forEach((value, index) => argument.writeBigUInt64LE(value, index * 8));
    const count = checked(ioctl(pagemap, PAGEMAP_SCAN, argument), 'ioctl(PAGEMAP_SCAN)');
    const walkedTo = argument.readBigUInt64LE(32);
    for (let index = 0; index < count; index++) {
      const at = index * regionBytes;
      yield { start: Number(regions.readBigUInt64LE(at)), end: Number(regions.readBigUInt64LE(at + 8)), kinds: regions.readBigUInt64LE(at + 16) };
    }
    if (walkedTo <= start) return;
    start = walkedTo;
  }
}
