export function objectionTo(version: string, latest: string): string | undefined;
export function lockedVersion(): string;
export function latestVersion(): Promise<string>;
