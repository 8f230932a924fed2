export interface Electron {
  executable: string;
  version: string;
  origin: 'given' | 'official' | 'stand-in';
}

export function resolveElectron(options?: { env?: NodeJS.ProcessEnv; say?: (text: string) => void }): Promise<Electron>;
