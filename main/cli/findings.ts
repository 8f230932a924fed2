/** Findings of preflight and doctor, for people. */
import type { Facts } from '../../helper/protocol/contract';
import { printable } from './format';

const marks = { blocker: '✗', warning: '!', note: '·' } as const;

export function findingLines(findings: Facts['findings']): string[] {
  return findings.flatMap(({ severity, message, hint }) => [`${marks[severity]} ${printable(message)}`, ...(hint === undefined ? [] : [`  ${printable(hint)}`])]);
}
