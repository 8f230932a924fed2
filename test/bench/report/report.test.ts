import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeptLines, mergeLines, parseLines, type KeptLine } from './kept';
import { barPlot, curvePlot } from './plot';
import { readTemplate, writeReport } from './report';
import { figureTable, overheadTable, peerTable } from './tables';

const of = (metric: string, median: number, rest: object = {}): KeptLine => ({ metric, unit: 'ms', n: 3, median, min: median - 1, max: median + 1, ...rest });
let docs: string;

beforeEach(async () => {
  docs = await mkdtemp(join(tmpdir(), 'zap-report-'));
});

afterEach(async () => {
  await rm(docs, { recursive: true, force: true });
});

test('what a program says beside its lines is not kept, and a line that is none is refused', () => {
  expect(parseLines('alpha started\n{"metric":"a","unit":"ms","n":1,"median":1,"min":1,"max":1}\n')).toHaveLength(1);
  expect(() => parseLines('{"nothing":1}')).toThrow();
});

test('a second run replaces what it measured again and nothing else', () => {
  const kept = [of('a', 1), of('a', 1, { peer: 'runc' }), of('b', 2)];
  expect(mergeLines(kept, [of('a', 5)])).toEqual([kept[1], kept[2], of('a', 5)]);
});

test('a peer that failed and now works leaves no failure behind, nor the other way round', () => {
  const failure = { metric: 'a', peer: 'podman', failed: 'no' };
  expect(mergeLines([failure], [of('a', 3, { peer: 'podman' })])).toEqual([of('a', 3, { peer: 'podman' })]);
  expect(mergeLines([of('a', 3, { peer: 'podman' })], [failure])).toEqual([failure]);
});

test('points of a plot are replaced together', () => {
  const point = (x: number): KeptLine => ({ metric: 'growth', series: 's', x, y: x });
  expect(mergeLines([point(1), point(2)], [point(1)])).toEqual([point(1)]);
});

test('a figure says whether its goal is met', () => {
  const text = figureTable([of('a', 100), of('b', 300)], { a: 150, b: 200 });
  expect(text).toContain('| `a` | 3 | 100 ms | 99 ms | 101 ms | 150 ms, met |');
  expect(text).toContain('200 ms, not met');
  expect(figureTable([{ ...of('c', 60), unit: 'frames/s' }], { c: 55 })).toContain('55 frames/s, met');
  expect(figureTable([{ ...of('d', 2.2e6), unit: 'bytes/s' }], { d: 50e6 })).toContain('| 2.2 MB/s | 2.2 MB/s | 2.2 MB/s | 50 MB/s, not met |');
});

test('where more is better, fewer inside are an overhead', () => {
  const slower = { metric: 'overhead-apache', unit: 'requests/s', n: 2, median: 900, min: 900, max: 900, peer: 'outside', peerMedian: 1000, ratio: 0.9 };
  expect(overheadTable([slower])).toContain('| apache | 2 | 900 requests/s | 1000 requests/s | 11.1 % | 2 %, not met |');
  expect(overheadTable([of('overhead-getpid', 110, { peer: 'outside', peerMedian: 100, ratio: 1.1 })])).toContain('10.0 %');
});

test('each peer has its column, also where it could not', () => {
  const text = peerTable([of('peers-web-downtime-inside', 100, { peer: 'runc', peerMedian: 400, ratio: 0.25 }), { metric: 'peers-web-downtime-inside', peer: 'podman', failed: 'Error' }]);
  expect(text.split('\n')).toEqual(['| figure | Zap | runc | podman |', '| --- | --- | --- | --- |', '| `web-downtime-inside` | 100 ms | 400 ms (ours is 0.25 of it) | could not |']);
});

test('plots hold their values and no markup from outside', () => {
  const bars = barPlot({ title: 'a <b> & "c"', unit: 'ms', groups: [{ name: 'web', bars: [{ name: 'Zap', value: 12 }, { name: 'podman', value: undefined }] }] });
  expect(bars).toContain('12 ms');
  expect(bars).toContain('could not');
  expect(bars).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
  expect(curvePlot({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ name: 's', points: [{ x: 2, y: 4 }, { x: 1, y: 2 }] }] })).toMatch(/polyline.*points="[\d.]+,[\d.]+ [\d.]+,[\d.]+"/);
});

test('the report is made of the kept lines and the text', async () => {
  const kept = new KeptLines(join(docs, 'benchmarks'));
  await kept.add('peers', [of('peers-web-downtime-inside', 100, { peer: 'runc', peerMedian: 400, ratio: 0.25 })]);
  await kept.add('overhead', [of('overhead-chat', 10, { peer: 'outside', peerMedian: 10, ratio: 1 })]);
  const template = await readTemplate('test/bench/report/template.md');
  const written = await writeReport(docs, template);
  const report = await readFile(join(docs, 'BENCHMARKS.md'), 'utf8');
  expect(report).toContain('400 ms (ours is 0.25 of it)');
  expect(report).toContain('![peers-downtime](benchmarks/peers-downtime.svg)');
  expect(report).not.toContain('{{');
  expect(written.map((path) => path.slice(docs.length))).toEqual(['/benchmarks/peers-downtime.svg', '/BENCHMARKS.md']);
  await expect(writeReport(docs, '{{nonsense:move}}')).rejects.toThrow('which there is not');
});
