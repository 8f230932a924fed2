export const standIn: { revision: number; version: string; carrier: string; archive: string; sha256: string };
export function nameOfEntry(name: string): string | undefined;
export function makeStandIn(directory: string): Promise<void>;
