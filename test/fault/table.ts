/** What came of many faults, in one table. */
import type { Outcome } from './fault';
import { injections } from './plan';
import type { Operation } from './moments';

const operations: Operation[] = ['move', 'move-stored', 'clone', 'suspend', 'resume', 'delete', 'create'];

/** Faults by kind and operation; one with problems is `failed/all`. */
export function tableLines(outcomes: readonly Outcome[]): string[] {
  const injected = outcomes.filter(({ isMissed }) => !isMissed);
  const cell = (of: readonly Outcome[]): string => {
    const bad = of.filter(({ problems }) => problems.length > 0).length;
    return of.length === 0 ? '' : bad === 0 ? String(of.length) : `**${bad}/${of.length}**`;
  };
  const rows = injections.map((injection) => {
    const row = injected.filter(({ fault }) => fault.injection === injection);
    return [injection, ...operations.map((operation) => cell(row.filter(({ fault }) => fault.operation === operation))), cell(row)];
  });
  const all = ['all', ...operations.map((operation) => cell(injected.filter(({ fault }) => fault.operation === operation))), cell(injected)];
  return [['fault', ...operations, 'all'], ['---', ...operations.map(() => '---:'), '---:'], ...rows, all].map((cells) => `| ${cells.join(' | ')} |`);
}

export function summary(outcomes: readonly Outcome[]): string {
  const injected = outcomes.filter(({ isMissed }) => !isMissed);
  const count = (word: string): number => injected.filter(({ problems }) => problems.some((problem) => problem.startsWith(word))).length;
  const moments = new Set(injected.map(({ fault }) => `${fault.operation} ${fault.moment.name}`)).size;
  const others = injected.filter(({ problems }) => problems.some((problem) => !/^(LOST|DOUBLED|LEFT)/.test(problem))).length;
  return `${injected.length} injected at ${moments} moments, ${count('LOST')} lost, ${count('DOUBLED')} doubled, ${count('LEFT')} leftovers, ${others} other problems; ${outcomes.length - injected.length} moments that did not come`;
}
