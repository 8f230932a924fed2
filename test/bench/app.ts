/**
 * `npm run bench:app`: the desktop app's speed, in real Electron on a display of its own.
 *
 * JSON lines on standard output; nothing is asserted about speed. Names of parts as arguments after `--` measure those alone.
 */
import { overviewFigures } from './app-overview';
import { launchFigures } from './app-launch';
import { screenFigures } from './app-screens';
import { figure, type Peer, type Unit } from './figures';
import { progress } from './progress';

export type Print = (metric: string, unit: Unit, values: readonly number[], peer?: Peer) => void;

const parts: Record<string, (print: Print) => Promise<void>> = {
  launch: launchFigures,
  overview: overviewFigures,
  screens: screenFigures,
};

const wanted = process.argv.slice(3);
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  progress(`measuring ${name}`);
  try {
    await measure((metric, unit, values, peer) => console.log(JSON.stringify(figure(metric, unit, values, peer))));
  } catch (error) {
    progress(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
  }
}
