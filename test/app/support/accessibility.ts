/** What axe says of a page: serious and critical issues, each with where it is. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Axe {
  run(options: unknown): Promise<{ violations: { id: string; impact: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] }>;
}

export interface Looking {
  /** As WCAG's highest level has it: 7:1. */
  contrast?: 'enhanced';
}

export async function seriousIssues(page: Page, { contrast }: Looking = {}): Promise<string[]> {
  await page.waitForTimeout(50); // what is entering has entered
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source);
  const options = { resultTypes: ['violations'], rules: { 'color-contrast-enhanced': { enabled: contrast === 'enhanced' } } };
  const { violations } = await page.evaluate((chosen) => (window as unknown as { axe: Axe }).axe.run(chosen), options);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary?.split('\n').slice(1, 3).join(' ').trim() ?? ''}`));
}
