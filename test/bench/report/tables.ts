/** Tables of the report, each made of the lines of one part. */
import { isFailure, isFigure, type KeptCost, type KeptFigure, type KeptLine } from './kept';

/** Goals by name of the figure, in its unit. */
export type Goals = Record<string, number>;

export function figureTable(lines: readonly KeptLine[], goals: Goals = {}): string {
  const rows = lines.filter(isFigure).filter(({ metric }) => !metric.includes('step: '));
  return table(
    ['figure', 'n', 'median', 'min', 'max', 'goal'],
    rows.map((line) => [`\`${line.metric}\``, String(line.n), value(line.median, line.unit), value(line.min, line.unit), value(line.max, line.unit), goals[line.metric] === undefined ? '' : `${value(goals[line.metric]!, line.unit)}${isMet(line, goals[line.metric]!) ? ', met' : ', not met'}`]),
  );
}

/** Of what is counted by the second, more is better. */
const isMet = ({ median, unit }: KeptFigure, goal: number): boolean => (unit.endsWith('/s') ? median >= goal : median <= goal);

/** Steps of each scenario's moves side by side. */
export function stepTable(lines: readonly KeptLine[]): string {
  const steps = lines.filter(isFigure).flatMap((line) => {
    const match = /^move-(.+)-step: (.+)$/.exec(line.metric);
    return match ? [{ scenario: match[1]!, step: match[2]!, line }] : [];
  });
  const scenarios = [...new Set(steps.map(({ scenario }) => scenario))];
  const names = [...new Set(steps.map(({ step }) => step))];
  const cell = (name: string, of: string): string => {
    const found = steps.find(({ scenario, step }) => scenario === of && step === name);
    return found ? value(found.line.median, found.line.unit) : '';
  };
  return table(['step', ...scenarios.map((name) => `\`${name}\``)], names.map((name) => [name, ...scenarios.map((scenario) => cell(name, scenario))]));
}

/** One row for each workload and figure: ours, each peer's, and how much of the peer's ours is. */
export function peerTable(lines: readonly KeptLine[]): string {
  const found = lines.filter((line) => isFigure(line) || isFailure(line)).filter(({ peer }) => peer !== undefined);
  const peers = [...new Set(found.map(({ peer }) => peer!))];
  const metrics = [...new Set(found.filter(isFigure).map(({ metric }) => metric))];
  const rows = metrics.map((metric) => {
    const ofMetric = found.filter(isFigure).filter((line) => line.metric === metric);
    const ours = ofMetric[0]!;
    return [`\`${metric.replace(/^peers-/, '')}\``, value(ours.median, ours.unit), ...peers.map((peer) => peerCell(ofMetric.find((line) => line.peer === peer)))];
  });
  return table(['figure', 'Zap', ...peers], rows);
}

function peerCell(line: KeptFigure | undefined): string {
  if (!line || line.peerMedian === undefined) return 'could not';
  return `${value(line.peerMedian, line.unit)} (${line.ratio === undefined ? '' : `ours is ${line.ratio.toFixed(2)} of it`})`;
}

/** What peers said that could not do something. */
export function failureList(lines: readonly KeptLine[]): string {
  return lines.filter(isFailure).map(({ metric, peer, failed }) => `- \`${metric.replace(/^peers-/, '').replace(/-downtime-inside$/, '')}\`${peer === undefined ? '' : ` by ${peer}`}:\n\n  \`\`\`\n${failed.split('\n').slice(0, 8).map((text) => `  ${text}`).join('\n')}\n  \`\`\``).join('\n');
}

const overheadGoalPercent = 2;

/** Inside against outside; where more is better, the loss counts. */
export function overheadTable(lines: readonly KeptLine[]): string {
  const rows = lines.filter(isFigure).filter(({ peerMedian }) => peerMedian !== undefined);
  return table(
    ['what', 'n', 'in a POD', 'outside', 'overhead', 'goal'],
    rows.map((line) => [line.metric.replace(/^overhead-/, ''), String(line.n), value(line.median, line.unit), value(line.peerMedian!, line.unit), `${overheadPercent(line).toFixed(1)} %`, `${overheadGoalPercent} %, ${overheadPercent(line) <= overheadGoalPercent ? 'met' : 'not met'}`]),
  );
}

export function overheadPercent(line: KeptFigure): number {
  const ratio = line.ratio ?? 1;
  return (line.unit.endsWith('/s') ? 1 / ratio - 1 : ratio - 1) * 100;
}

/** What each cost of bench:seal is, and its goal in MB/s. */
const costs: Record<string, { says: string; goal?: number }> = {
  store: { says: 'suspend: read, AES-256-GCM, SHA-256, written to the disk', goal: 600 },
  open: { says: 'resume: the same backwards, verified', goal: 600 },
  channel: { says: "a move's channel (TLS 1.3, AES-128-GCM), each end", goal: 800 },
  plain: { says: 'the same without TLS' },
};

export function costTable(lines: readonly KeptLine[]): string {
  const cell = (amount: unknown): string => (typeof amount === 'number' ? String(amount) : '');
  const rows = lines.flatMap((line) => {
    if (!('what' in line) || !('mbPerSecondPerCore' in line)) return [];
    const { what, mbPerSecondPerCore, lowest, highest } = line as KeptCost;
    return [[costs[what]?.says ?? what, cell(mbPerSecondPerCore), cell(lowest), cell(highest), cell(costs[what]?.goal)]];
  });
  return table(['what', 'MB/s of one core', 'lowest', 'highest', 'goal'], rows);
}

export function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return '_Not measured yet._';
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function value(amount: number, unit: string): string {
  if (unit === 'bytes') return amount >= 1e6 ? `${digits(amount / 1e6)} MB` : `${digits(amount / 1e3)} kB`;
  if (unit === 'bytes/s') return `${value(amount, 'bytes')}/s`;
  if (unit === 'ns' && amount >= 1e6) return `${digits(amount / 1e6)} ms`;
  if (unit === 'ns' && amount >= 1e3) return `${digits(amount / 1e3)} µs`;
  return `${digits(amount)} ${unit}`;
}

function digits(amount: number): string {
  return amount >= 100 || Number.isInteger(amount) ? String(Math.round(amount)) : amount.toPrecision(3).replace(/\.?0+$/, '');
}
