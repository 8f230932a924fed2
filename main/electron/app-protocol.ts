/** Serves the user interface's files, and nothing else, under `app://zap/`. Every answer carries the policy that says what a page may do. */
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { ORIGIN, originOf, SCHEME } from './origin';

/** Styles may stand in elements: React's and xterm's do. Nothing comes from elsewhere, and no text ever becomes a script. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "frame-src 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** As `protocol.registerSchemesAsPrivileged` takes it. */
export const schemePrivileges = { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } } as const;

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** The file that a URL of ours names; undefined for everything that is none. */
export function fileOf(url: string, directory: string): string | undefined {
  if (originOf(url) !== ORIGIN) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(new URL(url).pathname);
  } catch {
    return undefined;
  }
  const segments = path.split('/').slice(1);
  // URL has resolved the dots that it knows; what is left of them was encoded, and so are other separators.
  if (segments.some((segment) => segment === '' || segment.startsWith('.') || /[\\\0]/.test(segment))) return undefined;
  return extname(path) in types ? join(directory, ...segments) : undefined;
}

export async function answer(request: { url: string; method: string }, directory: string): Promise<Response> {
  const path = request.method === 'GET' ? fileOf(request.url, directory) : undefined;
  const content = path === undefined ? undefined : await readInside(path, directory);
  const headers = {
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
  if (!content) return new Response('There is no such file.', { status: 404, headers: { ...headers, 'content-type': 'text/plain' } });
  return new Response(new Uint8Array(content), { headers: { ...headers, 'content-type': types[extname(path!)]! } });
}

/** Also where a symbolic link leads, the file must be inside. */
async function readInside(path: string, directory: string): Promise<Buffer | undefined> {
  try {
    const [real, root] = await Promise.all([realpath(path), realpath(directory)]);
    return real.startsWith(root + sep) ? await readFile(real) : undefined;
  } catch {
    return undefined; // whatever hinders reading it, there is nothing to show
  }
}
