/** The app beside the command line: what one does, the other respects and knows. */
import { expect, it } from 'vitest';
import type { CallInput, CallName } from '../../../main/contract';
import type { HostName } from '../../integration/support/suite';
import { answer, failureOf } from '../../integration/support/zap';
import type { AtWork } from './at-work';

export function together(work: AtWork): void {
  const { suite } = work;
  const isTaken = { code: expect.stringMatching(/^pod\/(busy|wrong-state)$/) as string, message: expect.stringContaining('"desk"') as string };

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

  it('does nothing to a POD that the command line is moving, says so, and shows where it went', async () => {
    const pod = await work.idOf('desk');
    await suite.lab.setLink('beta', { rateMbit: 20 });
    const other = suite.zap.start(['pod', 'move', 'desk', 'beta', '--json']);
    try {
      const begun = await Promise.race([work.podState('desk', ({ state }) => state.kind === 'moving'), other.ended]);
      if ('exitCode' in begun) throw new Error(`The move ended before it was seen: ${begun.stdout.toString()}${begun.stderr}`);
      await work.app.page.evaluate((id) => void (window.location.hash = `#/pod/${id}`), pod);
      await work.app.page.locator('.page-head, .main').getByText('Moving', { exact: true }).first().waitFor();
      for (const [name, input] of [['pod.move', { pod, to: 'beta', resumes: true }], ['pod.suspend', { pod }], ['pod.delete', { pod }]] as const) expect(await refusal(name, input), name).toMatchObject(isTaken);
    } finally {
      await suite.lab.clearLink('beta');
    }
    expect(answer(['pod', 'move'], await other.ended)).toMatchObject({ downtimeMs: expect.any(Number) as number });
    await isOnceOn('beta');
  });

  it('is not disturbed by the command line in what it does, which is told who has the POD', async () => {
    const task = await work.beginSlowMove('desk', 'alpha', 10);
    try {
      const asked = [['move', 'desk', 'alpha'], ['suspend', 'desk'], ['delete', 'desk', '--yes']];
      expect(await Promise.all(asked.map((words) => suite.zap.failure('pod', ...words)))).toMatchObject(asked.map(() => isTaken));
    } finally {
      await suite.lab.clearLink('alpha');
    }
    expect(await work.app.ended(task)).toMatchObject({ state: { kind: 'done' } });
    await isOnceOn('alpha');
  });

  it('moves a POD once when both are asked at the same moment; who came second is told', async () => {
    const pod = await work.idOf('desk');
    const other = suite.zap.start(['pod', 'move', 'desk', 'beta', '--json']);
    const own = await work.app.ask('pod.move', { pod, to: 'beta', resumes: true });
    const state = own.ok ? (await work.app.ended(own.value.task)).state : ({ kind: 'failed', error: own.error } as const);
    const others = await other.ended;
    const failures = [...(state.kind === 'failed' ? [state.error] : []), ...(others.exitCode === 0 ? [] : [failureOf(['pod', 'move'], others)])];
    expect(failures).toMatchObject([{ code: expect.stringMatching(/^(?:pod|move|preflight)\//) as string, message: expect.stringContaining('desk') as string }]);
    await isOnceOn('beta');
    expect((await work.app.ended((await work.app.call('pod.move', { pod, to: 'alpha', resumes: true })).task)).state.kind).toBe('done');
    await isOnceOn('alpha');
  });

  /** Refused at once, or as the end of a task. */
  async function refusal<N extends CallName>(name: N, input: CallInput<N>): Promise<unknown> {
    const result = await work.app.ask(name, input);
    if (!result.ok) return result.error;
    const { state } = await work.app.ended((result.value as { task: string }).task);
    return state.kind === 'failed' ? state.error : state;
  }

  async function isOnceOn(wanted: HostName): Promise<void> {
    const { pods } = await work.podState('desk', ({ host, state }) => host === wanted && state.kind === 'running');
    expect(pods.filter(({ name }) => name === 'desk')).toHaveLength(1);
    const listed = (await suite.zap.json<{ pods: { name: string; host: string }[] }>('pod', 'list')).pods;
    expect(listed.filter(({ name }) => name === 'desk')).toMatchObject([{ host: wanted }]);
    const record = suite[wanted].record('desk')!;
    await expect.poll(() => suite[wanted === 'alpha' ? 'beta' : 'alpha'].traces(record), { timeout: 10_000 }).toEqual([]);
  }
}
