/** docs/BENCHMARKS.md and its plots, made of the kept lines and the text beside this file. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFailure, isFigure, isPoint, KeptLines, type KeptLine } from './kept';
import { barPlot, curvePlot } from './plot';
import { costTable, failureList, figureTable, overheadTable, peerTable, stepTable, type Goals } from './tables';

/** What is to be reached, in the unit of the figure. */
const goals: Goals = {
  'move-desktop-downtime-inside': 150,
  'move-desktop-downtime': 150,
  'move-web-downtime-inside': 200,
  'move-web-downtime': 200,
  'move-desktop-xfce-downtime-inside': 700,
  'move-desktop-xfce-downtime': 700,
  'move-redis-idle-downtime-inside': 250,
  'move-redis-idle-4g-downtime-inside': 600,
  'move-redis-downtime-inside': 500,
  'move-redis-idle-follows-downtime-inside': 250,
  'move-redis-idle-4g-follows-downtime-inside': 600,
  'move-redis-follows-downtime-inside': 500,
  'pod-list': 300,
  'app.window-usable': 1500,
  'app.overview-scroll': 55,
  'app.overview-drag': 55,
  'app.update-500-pods': 16,
  'app.samples-500-pods': 16,
  'app.list-update-500-pods': 16,
  'app.terminal-flood': 50e6,
  'app.desktop-updates': 25,
  'app.memory-two-desktops': 600e6,
  'scale-list-100': 300,
  'scale-helper-cpu-for-each-of-100': 0.1,
  'scale-helper-memory-for-each-of-100': 3e6,
};

type Lines = Record<string, readonly KeptLine[]>;

const tables: Record<string, (lines: readonly KeptLine[]) => string> = {
  figures: (lines) => figureTable(lines, goals),
  steps: stepTable,
  peers: peerTable,
  failures: failureList,
  overhead: overheadTable,
  costs: costTable,
  machine: (lines) => lines.flatMap((line) => ('machine' in line ? [`${String(line.machine)}; measured ${String(line['measuredAt'])}`] : [])).join(''),
};

const plots: Record<string, { part: string; draw: (lines: readonly KeptLine[]) => string | undefined }> = {
  'peers-downtime': { part: 'peers', draw: drawPeers },
  'scale-idle': { part: 'scale', draw: (lines) => drawCurves(lines, 'scale-idle', { title: 'Idle PODs on one host', xLabel: 'PODs', yLabel: 'see legend' }) },
  'scale-moves': { part: 'scale', draw: (lines) => drawCurves(lines, 'scale-moves', { title: 'Moves at once', xLabel: 'moves at once', yLabel: 'ms' }) },
  'prediction-downtime': { part: 'prediction', draw: (lines) => drawPrediction(lines, 'prediction-downtime', 'Downtime: predicted and seen') },
  'prediction-total': { part: 'prediction', draw: (lines) => drawPrediction(lines, 'prediction-total', 'Whole move: predicted and seen') },
};

/** Writes the report; `docs` is the directory of documents. Returns the paths of what was written. */
export async function writeReport(docs: string, template: string): Promise<string[]> {
  const kept = new KeptLines(join(docs, 'benchmarks'));
  const parts = [...new Set([...template.matchAll(/\{\{\w+:([\w-]+)\}\}/g)].map(([, name]) => name!).concat(Object.values(plots).map(({ part }) => part)))];
  const lines: Lines = Object.fromEntries(await Promise.all(parts.map(async (part) => [part, await kept.read(part)] as const)));
  await mkdir(join(docs, 'benchmarks'), { recursive: true });
  const written: string[] = [];
  const drawn = new Set<string>();
  for (const [name, { part, draw }] of Object.entries(plots)) {
    const picture = draw(lines[part] ?? []);
    if (picture === undefined) continue;
    drawn.add(name);
    written.push(join(docs, 'benchmarks', `${name}.svg`));
    await writeFile(written.at(-1)!, picture);
  }
  const report = join(docs, 'BENCHMARKS.md');
  await writeFile(report, fillTemplate(template, lines, drawn));
  return [...written, report];
}

/** `{{table:part}}` becomes the table of the part's lines, `{{plot:name}}` the picture. */
export function fillTemplate(template: string, lines: Lines, drawn: ReadonlySet<string>): string {
  return template.replaceAll(/\{\{([\w-]+):([\w-]+)\}\}/g, (mark, kind: string, name: string) => {
    if (kind === 'plot') return drawn.has(name) ? `![${name}](benchmarks/${name}.svg)` : '';
    const make = tables[kind];
    if (!make) throw new Error(`The report's text asks for ${mark}, which there is not.`);
    return make(lines[name] ?? []);
  });
}

export async function readTemplate(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

function drawPeers(lines: readonly KeptLine[]): string | undefined {
  const relevant = lines.filter((line) => isFigure(line) || isFailure(line)).filter(({ metric }) => metric.endsWith('-downtime-inside'));
  if (relevant.length === 0) return undefined;
  const groups = [...new Set(relevant.map(({ metric }) => metric))].map((metric) => {
    const ofMetric = relevant.filter((line) => line.metric === metric);
    const ours = ofMetric.find(isFigure)?.median;
    return { name: metric.replace(/^peers-|-downtime-inside$/g, ''), bars: [{ name: 'Zap', value: ours }, ...ofMetric.map((line) => ({ name: line.peer!, value: isFigure(line) ? line.peerMedian : undefined }))] };
  });
  return barPlot({ title: 'How long programs stand still, seen from inside (median)', unit: 'ms', groups });
}

function drawCurves(lines: readonly KeptLine[], metric: string, labels: { title: string; xLabel: string; yLabel: string }): string | undefined {
  const points = lines.filter(isPoint).filter((line) => line.metric === metric);
  if (points.length === 0) return undefined;
  const names = [...new Set(points.map((point) => point.series ?? metric))];
  return curvePlot({ ...labels, series: names.map((name) => ({ name, points: points.filter((point) => (point.series ?? metric) === name).map(({ x, y }) => ({ x, y })) })) });
}

function drawPrediction(lines: readonly KeptLine[], metric: string, title: string): string | undefined {
  const points = lines.filter(isPoint).filter((line) => line.metric === metric).map(({ x, y }) => ({ x, y }));
  if (points.length === 0) return undefined;
  const top = Math.max(...points.flatMap(({ x, y }) => [x, y]));
  const corner = (factor: number): { x: number; y: number }[] => [{ x: 0, y: 0 }, { x: top / Math.max(1, factor), y: (top / Math.max(1, factor)) * factor }];
  return curvePlot({ title, xLabel: 'predicted, ms', yLabel: 'seen, ms', series: [{ name: 'moves', points, isScatter: true }, { name: '+30 %', points: corner(1.3) }, { name: '-30 %', points: corner(0.7) }] });
}
