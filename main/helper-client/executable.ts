/** The helper's executables that this build brings along, one for each kind of processor: where they lie, their digests, and where a host keeps its own. */
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';

export interface HelperExecutable {
  path: string;
  sha256: string;
  sizeBytes: number;
  /** The processor it runs on, as `uname -m` names it. */
  machine?: string | undefined;
  /** The same helper for other processors, as far as the build made it. */
  others?: readonly HelperExecutable[] | undefined;
}

export const HELPER_ROOT = '/var/lib/zap/helper';

/** The first is made by every build, the others where it was asked for them. */
const names = ['zap-helper', 'zap-helper-arm64', 'zap-helper-x64'] as const;

export async function findHelperExecutable(directory: string): Promise<HelperExecutable> {
  const [own, ...others] = await Promise.all(names.map((name) => readExecutable(join(directory, name))));
  if (own instanceof Error) {
    throw new ZapError('internal/not-built', 'The helper program is missing: "zap-helper" does not stand beside the command.', { hint: 'Run `npm run build`.', cause: own });
  }
  return { ...own!, others: others.filter((other): other is HelperExecutable => !(other instanceof Error) && other.machine !== own!.machine) };
}

/** All of them, the build's own first. */
export function allExecutables(executable: HelperExecutable): HelperExecutable[] {
  return [executable, ...(executable.others ?? [])];
}

/** The one for a kind of processor; one whose kind is not known is for any. */
export function executableFor(executable: HelperExecutable, machine: string | undefined): HelperExecutable | undefined {
  return allExecutables(executable).find((candidate) => machine === undefined || candidate.machine === undefined || candidate.machine === machine);
}

/** What `uname -m` says where Node says this. */
export function machineOfArch(arch: string): string | undefined {
  return ({ x64: 'x86_64', arm64: 'aarch64' } as Record<string, string>)[arch];
}

export function installedPath(executable: HelperExecutable): string {
  return `${HELPER_ROOT}/${executable.sha256.slice(0, 16)}/zap-helper`;
}

async function readExecutable(path: string): Promise<HelperExecutable | Error> {
  try {
    const [sha256, { size }, machine] = await Promise.all([readFile(`${path}.sha256`, 'utf8'), stat(path), machineOf(path)]);
    return { path, sha256: sha256.trim(), sizeBytes: size, machine };
  } catch (error) {
    return error as Error;
  }
}

/** From the header of the ELF file. */
async function machineOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
    return ({ 62: 'x86_64', 183: 'aarch64' } as Record<number, string>)[buffer.readUInt16LE(18)];
  } finally {
    await file.close();
  }
}
