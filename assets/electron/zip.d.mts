export function unpackZip(archive: string, directory: string, rename?: (name: string) => string | undefined): Promise<void>;
