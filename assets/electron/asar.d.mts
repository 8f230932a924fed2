export function makeAsar(files: Record<string, string>): Buffer;
