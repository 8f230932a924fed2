/** Plots as SVG files: bars side by side, and points with lines between them. No program and no font is needed to look at them. */
const width = 720;
const margin = { left: 170, right: 70, top: 34, bottom: 34 };
const colours = ['#2f6fde', '#e07b39', '#4a9d5b', '#8b5fbf', '#c44e52'];
const ink = '#57606a';

export interface Bars {
  title: string;
  unit: string;
  groups: { name: string; bars: { name: string; value: number | undefined }[] }[];
}

export function barPlot({ title, unit, groups }: Bars): string {
  const barHeight = 16;
  const gap = 14;
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const longest = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value ?? 0)));
  const scale = (width - margin.left - margin.right) / longest;
  const parts: string[] = [];
  let y = margin.top + 18;
  for (const group of groups) {
    parts.push(label(margin.left - 10, y + (group.bars.length * barHeight) / 2 + 4, group.name, 'end'));
    for (const { name, value } of group.bars) {
      const length = (value ?? 0) * scale;
      parts.push(`<rect x="${margin.left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight - 3}" rx="2" fill="${colours[names.indexOf(name) % colours.length]}"/>`);
      parts.push(label(margin.left + length + 5, y + barHeight - 5, value === undefined ? 'could not' : `${Math.round(value)} ${unit}`, 'start'));
      y += barHeight;
    }
    y += gap;
  }
  return svg(y + 4, title, [...legend(names), ...parts]);
}

export interface Curves {
  title: string;
  xLabel: string;
  yLabel: string;
  series: { name: string; points: { x: number; y: number }[]; isScatter?: boolean }[];
}

export function curvePlot({ title, xLabel, yLabel, series }: Curves): string {
  const height = 340;
  const all = series.flatMap(({ points }) => points);
  const [maxX, maxY] = [niceTop(Math.max(1e-9, ...all.map(({ x }) => x))), niceTop(Math.max(1e-9, ...all.map(({ y }) => y)))];
  const left = 80;
  const toX = (x: number): number => left + (x / maxX) * (width - left - margin.right);
  const toY = (y: number): number => height - margin.bottom - 10 - (y / maxY) * (height - margin.bottom - margin.top - 40);
  const parts: string[] = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(`<line x1="${left}" x2="${width - margin.right}" y1="${toY(maxY * share)}" y2="${toY(maxY * share)}" stroke="#d0d7de"/>`);
    parts.push(label(left - 6, toY(maxY * share) + 4, short(maxY * share), 'end'), label(toX(maxX * share), height - margin.bottom + 8, short(maxX * share), 'middle'));
  }
  parts.push(label((left + width - margin.right) / 2, height - 8, xLabel, 'middle'), label(left - 60, margin.top + 24, yLabel, 'start'));
  series.forEach(({ points, isScatter }, index) => {
    const colour = colours[index % colours.length];
    const sorted = [...points].sort((a, b) => a.x - b.x);
    if (!isScatter) parts.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${sorted.map(({ x, y }) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(' ')}"/>`);
    for (const { x, y } of sorted) parts.push(`<circle cx="${toX(x).toFixed(1)}" cy="${toY(y).toFixed(1)}" r="3.5" fill="${colour}"/>`);
  });
  return svg(height, title, [...legend(series.map(({ name }) => name)), ...parts]);
}

function legend(names: string[]): string[] {
  let x = margin.left;
  return names.flatMap((name, index) => {
    const parts = [`<rect x="${x}" y="${margin.top - 6}" width="10" height="10" rx="2" fill="${colours[index % colours.length]}"/>`, label(x + 14, margin.top + 3, name, 'start')];
    x += 30 + name.length * 7;
    return parts;
  });
}

function svg(height: number, title: string, parts: string[]): string {
  const heading = `<text x="12" y="18" font-size="14" font-weight="600" fill="#24292f">${escape(title)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(title)}">\n<rect width="100%" height="100%" fill="#ffffff"/>\n${[heading, ...parts].join('\n')}\n</svg>\n`;
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${ink}">${escape(text)}</text>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function niceTop(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 8, 10].map((step) => step * unit).find((top) => top >= value) ?? value;
}

function short(value: number): string {
  return value >= 10 || value === 0 ? String(Math.round(value)) : value.toPrecision(2);
}
