/** Bundles a benchmark into dist/ and runs it: what it needs of the build stands beside it there. */
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [source, ...args] = process.argv.slice(2);
const outfile = resolve('dist', `bench-${basename(source, '.ts')}.mjs`);
await build({
  entryPoints: [source],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: ['cpu-features', '*.node', 'koffi', 'node-pty', 'playwright-core'],
  banner: { js: "import { createRequire as zapRequire } from 'node:module';\nconst require = zapRequire(import.meta.url), __dirname = import.meta.dirname;" },
  logLevel: 'warning',
});
process.argv = [process.argv[0], outfile, ...args];
await import(pathToFileURL(outfile).href);
