/** Fifty hosts with five hundred PODs: what is not seen costs nothing, and is right when it is seen. */
import { beforeAll, expect, it } from 'vitest';
import { ensureBuilt } from '../integration/support/build';
import { describeWithElectron } from './support/app';
import { card, column, ui, useWindow } from './support/hands';

describeWithElectron('an overview of five hundred PODs', () => {
  /** PODs are dealt out to the hosts in turn: this one is the first on the last host. */
  const far = '000000000032';
  const near = ['000000000001', '000000000002'] as const;
  const madeCards = () => ui.page.locator('.card-body').count();
  const giveAddress = (id: string, address: string): Promise<void> =>
    ui.page.evaluate(
      ([pod, wanted]) => {
        const { fake } = window;
        const view = fake.state.pods.find((one) => one.id === pod)!;
        fake.change({ kind: 'pod', pod: { ...view, address: wanted } });
      },
      [id, address] as const,
    );

  beforeAll(() => ensureBuilt());
  useWindow('large');

  it('keeps what is off the screen to a name, and shows it as it is when it is scrolled to', async () => {
    await card(near[0]).locator('.card-body').waitFor();
    expect(await madeCards()).toBeLessThan(100);
    expect(await card(far).textContent()).toContain('session-050');
    await giveAddress(far, '10.1.1.3');
    await card(far).scrollIntoViewIfNeeded();
    await card(far).getByText('10.1.1.3').waitFor();
  });

  it('makes no cards while the columns fly past, and all that are seen when they stand still', async () => {
    await card(near[0]).locator('.card-body').waitFor();
    const [before, during] = await ui.page.evaluate(async () => {
      const columns = document.querySelector('.columns')!;
      const made = (): number => document.querySelectorAll('.card-body').length;
      const atFirst = made();
      for (let frame = 0; frame < 30; frame++) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        columns.scrollLeft += 400;
      }
      return [atFirst, made()];
    });
    // What the first steps brought near was not yet known to fly past.
    expect(during).toBeLessThan(before + 30);
    await ui.page.evaluate((id) => document.querySelector(`[data-key="${id}"]`)!.scrollIntoView(), far);
    await card(far).locator('.card-body').waitFor();
  });

  it('adds to a selection across columns, and replaces it', async () => {
    await card(near[0]).click();
    await card(near[1]).click({ modifiers: ['Control'] });
    await ui.page.getByRole('toolbar', { name: '2 PODs' }).waitFor();
    await card(near[1]).click({ modifiers: ['Control'] });
    expect(await card(near[0]).getAttribute('data-selected')).toBe('true');
    await card(near[1]).click();
    await expect.poll(() => card(near[0]).getAttribute('data-selected')).toBeNull();
    expect(await card(near[1]).getAttribute('data-selected')).toBe('true');
  });

  it('takes a drop anywhere on a column, without rendering the cards of the columns on the way', async () => {
    await card(near[0]).hover();
    await ui.page.mouse.down();
    const over = (await column('node-02').boundingBox())!;
    await ui.page.mouse.move(over.x + 60, over.y + 300, { steps: 6 });
    await ui.page.locator('[data-host="node-02"].column-over').waitFor();
    expect(await column('node-02').locator('.cards').getAttribute('data-drop-target')).toBeNull();
    const onto = (await column('node-03').boundingBox())!;
    await ui.page.mouse.move(onto.x + 60, onto.y + 20, { steps: 6 });
    await ui.page.locator('[data-host="node-03"].column-over').waitFor();
    expect(await ui.page.locator('.column-over').count()).toBe(1);
    await ui.page.mouse.up();
    await ui.page.getByText('Move session-001 to node-03?').waitFor();
    expect(await ui.page.locator('.column-over').count()).toBe(0);
  });
});
