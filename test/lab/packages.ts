/**
 * What the machine itself needs to hold a lab.
 */
import { ZapError } from '../../helper/protocol/errors';
import { isInstalled } from '../../helper/system/programs';
import { run } from '../../helper/system/spawn';

const providers: Record<string, string> = {
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  tc: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  'ssh-keygen': 'openssh-client',
  ssh: 'openssh-client',
  perl: 'perl',
};

/** Refuses anyone but root, with what root would have to do; installs missing programs with apt-get. */
export async function ensureSystemPackages(onLine: (line: string) => void): Promise<void> {
  const missing = [...new Set(Object.keys(providers).filter((program) => !isInstalled(program)).map((program) => providers[program]!))];
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  requireRoot(missing.length === 0 ? undefined : `It installs what is missing then; or: sudo apt-get ${install.join(' ')}`);
  if (missing.length === 0) return;
  onLine(`Installing ${missing.join(', ')}`);
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' } };
  try {
    await run('apt-get', ['update'], options);
    await run('apt-get', install, options);
  } catch (error) {
    throw new ZapError('lab/needs-packages', `The lab needs programs that are not installed: ${missing.join(', ')}.`, {
      hint: `sudo apt-get ${install.join(' ')}`,
      evidence: ZapError.from(error).evidence,
      cause: error,
    });
  }
}

export function requireRoot(more?: string): void {
  if (process.getuid?.() === 0) return;
  throw new ZapError('lab/needs-root', 'The lab makes namespaces, mounts and network links, which only root may.', { hint: ['Run the command again with sudo.', more].filter(Boolean).join(' ') });
}
