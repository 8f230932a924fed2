/** Where this host gets Debian packages from: environments are built from the same place. */
import { ZapError } from '../protocol/errors';
import { run } from '../system/spawn';

export interface DebianMirror {
  /** Nothing: debootstrap knows one itself. */
  main: string | undefined;
  security: string | undefined;
  proxy: string | undefined;
}

export async function findDebianMirror(): Promise<DebianMirror> {
  const sites = await ask('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
  const urls = [...new Set(sites.split('\n'))].filter((site) => /^https?:\/\/[^\s@]+$/.test(site));
  const proxy = /^proxy='(https?:\/\/[^\s']+)'/m.exec(await ask('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy']))?.[1];
  return { main: urls.find((url) => /\/debian\/?$/.test(url)), security: urls.find((url) => /\/debian-security\/?$/.test(url)), proxy };
}

/** Hosts without apt have no mirror of their own. */
async function ask(program: string, args: string[]): Promise<string> {
  try {
    return (await run(program, args)).stdout;
  } catch (error) {
    if (error instanceof ZapError) return '';
    throw error;
  }
}

export function sourcesList({ main, security }: DebianMirror, suite: string, debootstrapped: string): string {
  const lines = main === undefined ? [debootstrapped.trim()] : [`deb ${main} ${suite} main`, `deb ${main} ${suite}-updates main`];
  return [...lines, ...(security === undefined ? [] : [`deb ${security} ${suite}-security main`]), ''].join('\n');
}
