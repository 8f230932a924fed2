/** CRIU's versions. */
export interface CriuVersion {
  major: number;
  minor: number;
  sublevel: number;
}

/** Older ones cannot dump a TCP socket on kernels from 6.16 on. */
export const oldestUsable: CriuVersion = { major: 4, minor: 2, sublevel: 0 };

export function compareVersions(a: CriuVersion, b: CriuVersion): number {
  return a.major - b.major || a.minor - b.minor || a.sublevel - b.sublevel;
}

export function formatVersion(version: CriuVersion): string {
  return version.sublevel === 0 ? `${version.major}.${version.minor}` : `${version.major}.${version.minor}.${version.sublevel}`;
}
