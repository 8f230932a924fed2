import { expect, it } from 'vitest';
import { countFindings, findingLines } from './findings';

const findings = [
  { id: 'a', severity: 'warning' as const, message: 'Clocks\u001b[2J differ.', hint: 'Use NTP.' },
  { id: 'b', severity: 'note' as const, message: 'No tun.' },
  { id: 'c', severity: 'note' as const, message: 'No soft-dirty.' },
];

it('shows findings line by line, remedies below, and nothing that a terminal would obey', () => {
  expect(findingLines(findings)).toEqual([expect.stringMatching(/^! Clocks.*differ\.$/), '  Use NTP.', '· No tun.', '· No soft-dirty.']);
  expect(findingLines(findings).join('')).not.toContain('\u001b');
});

it('counts them', () => {
  expect(countFindings(findings)).toBe(': 1 warning, 2 notes');
  expect(countFindings([])).toBe('');
});
