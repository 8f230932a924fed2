/** What came of many faults, in two tables. */
import type { Operation } from './moments';
import type { Ending, Outcome } from './outcome';
import { injections } from './plan';

const operations: Operation[] = ['move', 'move-undone', 'move-stored', 'resume-elsewhere', 'clone', 'suspend', 'resume', 'delete', 'create'];
const endings: Ending[] = ['done', 'undone', 'decided', 'gone'];
const failures = ['LOST', 'DOUBLED', 'LEFT'] as const;

/** Faults by kind and operation; one with problems is `failed/all`. Then what each kind came to. */
export function tableLines(outcomes: readonly Outcome[]): string[] {
  const injected = outcomes.filter(({ isMissed }) => !isMissed);
  const byKind = [...injections.map((injection) => ({ name: injection as string, row: injected.filter(({ fault }) => fault.injection === injection) })).filter(({ row }) => row.length > 0), { name: 'all', row: injected }];
  return [
    ...table(['fault', ...operations, 'all'], byKind.map(({ name, row }) => [name, ...operations.map((operation) => cell(row.filter(({ fault }) => fault.operation === operation))), cell(row)])),
    '',
    ...table(['fault', 'injected', ...endings, 'lost', 'doubled', 'leftovers', 'other problems'], byKind.map(({ name, row }) => [
      name, String(row.length), ...endings.map((ending) => count(row, (outcome) => outcome.ending === ending)), ...failures.map((word) => String(failed(row, word))), String(row.filter(hasOtherProblem).length),
    ])),
  ];
}

function table(head: string[], rows: string[][]): string[] {
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function cell(of: readonly Outcome[]): string {
  const bad = of.filter(({ problems }) => problems.length > 0).length;
  return of.length === 0 ? '' : bad === 0 ? String(of.length) : `**${bad}/${of.length}**`;
}

function count(of: readonly Outcome[], is: (outcome: Outcome) => boolean): string {
  return String(of.filter(is).length || '');
}

function failed(of: readonly Outcome[], word: string): number {
  return of.filter(({ problems }) => problems.some((problem) => problem.startsWith(word))).length;
}

function hasOtherProblem({ problems }: Outcome): boolean {
  return problems.some((problem) => !failures.some((word) => problem.startsWith(word)));
}

export function summary(outcomes: readonly Outcome[]): string {
  const injected = outcomes.filter(({ isMissed }) => !isMissed);
  const moments = new Set(injected.map(({ fault }) => `${fault.operation} ${fault.moment.name}`)).size;
  const [lost, doubled, left] = failures.map((word) => failed(injected, word));
  return `${injected.length} injected at ${moments} moments, ${lost} lost, ${doubled} doubled, ${left} leftovers, ${injected.filter(hasOtherProblem).length} other problems; ${outcomes.length - injected.length} moments that did not come`;
}
