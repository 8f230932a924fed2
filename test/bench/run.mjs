/** Runs a benchmark from its sources: what it shares with the tests finds its files beside itself. */
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

await runnerImport(resolve(process.argv[2]), { configFile: false, logLevel: 'error' });
