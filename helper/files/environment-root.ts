/** What a tree must have in it for a POD to start from it, and what it says of itself. */
import { closeSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { O_PATH, O_RDONLY, openInRoot, openRoot } from '../system/paths';

/** Written into an environment by its recipe. */
export const selfDescriptionPath = 'usr/lib/zap/environment.json';

const SelfDescription = z.object({
  name: z.string().max(64).optional(),
  description: z.string().max(1000).default(''),
  hasDisplay: z.boolean().default(false),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/)
    .default('root'),
});
export type SelfDescription = z.infer<typeof SelfDescription>;

const needs = [
  { path: 'bin/sh', package: 'dash' },
  { path: 'usr/bin/env', package: 'coreutils' },
  { path: 'usr/bin/base64', package: 'coreutils' },
  { path: 'usr/bin/getent', package: 'libc-bin' },
  { path: 'usr/bin/unshare', package: 'util-linux' },
  { path: 'usr/bin/setpriv', package: 'util-linux' },
  { path: 'usr/bin/tini', package: 'tini' },
];

/** Refuses a tree that no POD could start from; the error names what is missing. */
export function requireEnvironmentRoot(tree: string): void {
  const root = openRoot(tree);
  try {
    const missing = needs.filter(({ path }) => !exists(root, path));
    if (missing.length === 0) return;
    const packages = [...new Set(missing.map((need) => need.package))];
    throw new ZapError('environment/not-a-root', `A POD cannot start from these files: ${missing.map(({ path }) => `/${path}`).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`, {
      hint: missing.length === needs.length ? 'Give the root directory of a whole Linux system.' : `Install there first: ${packages.join(' ')}`,
      data: { missing: missing.map(({ path }) => `/${path}`), packages },
    });
  } finally {
    closeSync(root);
  }
}

export function describeEnvironment(tree: string): SelfDescription {
  const root = openRoot(tree);
  try {
    const fd = openInRoot(root, selfDescriptionPath, O_RDONLY);
    try {
      return SelfDescription.parse(JSON.parse(readFileSync(fd, 'utf8')));
    } finally {
      closeSync(fd);
    }
  } catch {
    return SelfDescription.parse({}); // any Linux system may be an environment, also one that knows nothing of this
  } finally {
    closeSync(root);
  }
}

function exists(root: number, path: string): boolean {
  try {
    closeSync(openInRoot(root, path, O_PATH));
    return true;
  } catch {
    return false;
  }
}
