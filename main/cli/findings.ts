/** Findings of preflight and doctor, for people. */
import type { Facts } from '../../helper/protocol/contract';
import { printable } from './format';

const marks = { blocker: '✗', warning: '!', note: '·' } as const;

export function findingLines(findings: Facts['findings']): string[] {
  return findings.flatMap(({ severity, message, hint }) => [`${marks[severity]} ${printable(message)}`, ...(hint === undefined ? [] : [`  ${printable(hint)}`])]);
}

/** `: 1 blocker, 2 notes`; nothing where there are none. */
export function countFindings(findings: Facts['findings']): string {
  const counts = (['blocker', 'warning', 'note'] as const).map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }));
  const words = counts.filter(({ count }) => count > 0).map(({ severity, count }) => `${count} ${severity}${count === 1 ? '' : 's'}`);
  return words.length === 0 ? '' : `: ${words.join(', ')}`;
}
