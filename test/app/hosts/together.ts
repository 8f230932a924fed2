/** The app beside the command line: what one does, the other respects and knows. */
import { expect, it } from 'vitest';
import type { AtWork } from './at-work';

export function together(work: AtWork): void {
  const { suite } = work;

  it('asks for the passphrase that a POD was suspended with, and shows it to nobody', async () => {
    const passphrase = 'correct horse battery staple';
    expect((await suite.zap.run(['pod', 'suspend', 'desk', '--passphrase-file', '-', '--json'], { input: `${passphrase}\n` })).exitCode).toBe(0);
    await work.podState('desk', ({ state }) => state.kind === 'suspended');
    const { task } = await work.app.call('pod.resume', { pod: await work.idOf('desk') });
    const { page } = work.app;
    await page.getByLabel('Passphrase that the POD was suspended with:', { exact: true }).fill('another');
    await page.keyboard.press('Enter');
    const again = page.getByLabel('That is not it. Passphrase that the POD was suspended with:');
    expect(await again.getAttribute('type')).toBe('password');
    await again.fill(passphrase);
    await page.keyboard.press('Enter');
    expect(await work.app.ended(task)).toMatchObject({ kind: 'pod.resume', state: { kind: 'done' } });
    await work.podState('desk', ({ state }) => state.kind === 'running');
    for (const about of [{ task }, {}]) {
      const { text } = await work.app.call('app.diagnostics', about);
      expect(text).toContain('pod.resume');
      expect(text).not.toContain(passphrase);
      expect(text).not.toMatch(/(?<!sha256:)\b[0-9a-f]{64}\b/);
    }
  });
}
