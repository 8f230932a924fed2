/** What goes wrong, and how it is told. */
import { describe, expect, it } from 'vitest';
import { asked, button, card, column, eventually, research, ui, visible } from '../support/hands';

export function trouble(): void {
  describe('trouble', () => {
    it('a host is lost: its column says so, its PODs stay to be seen', async () => {
      await ui.page.evaluate(() => {
        const host = window.fake.state.hosts.find(({ name }) => name === 'beta')!;
        window.fake.change(
          { kind: 'host', host: { ...host, connection: { kind: 'failed', atMs: Date.now(), error: { code: 'host/connection-lost', message: 'The connection to beta ended.' }, steps: [] } } },
          ...window.fake.state.pods.filter((pod) => pod.host === 'beta').map((pod) => ({ kind: 'pod' as const, pod: { ...pod, isStale: true } })),
        );
      });
      await column('beta').getByText('Not reachable').first().waitFor();
      expect(await column('beta').getByRole('row').count()).toBe(3);
    });

    it('a POD is deleted elsewhere while its page is open', async () => {
      await ui.show('demo', `#/pod/${research}/details`);
      await ui.page.getByRole('heading', { name: 'research' }).waitFor();
      await ui.page.evaluate((pod) => window.fake.change({ kind: 'pod-gone', pod }), research);
      await visible('research is not there any more');
      await button('Go to the overview').click();
      await column('alpha').waitFor();
      expect(await card(research).count()).toBe(0);
    });

    it('a page that cannot be shown leaves the rest of the window usable', async () => {
      await ui.page.evaluate(() => {
        const pod = { ...window.fake.state.pods[0]!, state: { kind: 'unheard-of' } } as never;
        window.fake.deliver('state', { revision: 99, changes: [{ kind: 'pod', pod }] });
      });
      await visible('This page cannot be shown');
      expect(ui.errors.splice(0)).not.toEqual([]);
      await ui.page.getByRole('link', { name: 'gamma' }).click();
      await ui.page.getByRole('heading', { name: 'gamma' }).waitFor();
    });

    it('a call that fails is told with its remedy', async () => {
      await ui.page.evaluate(() => {
        window.fake.answers = { 'pod.suspend': () => Promise.reject(new Error('the disk is full')) };
      });
      await card(research).click();
      await ui.page.keyboard.press('Shift+F10');
      await ui.page.getByRole('menuitem', { name: 'Suspend' }).click();
      await visible('the disk is full');
    });

    it('a question is asked in front of everything, with the safe answer in focus', async () => {
      await ui.page.evaluate(() => window.fake.change({ kind: 'prompt', prompt: { kind: 'host-key', id: 'p1', host: 'alpha', address: 'alpha:22', keyType: 'ssh-ed25519', fingerprint: 'SHA256:abc', otherTypes: [] } }));
      await visible('Is this really alpha?');
      await eventually(() => ui.page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
      await ui.page.keyboard.press('Enter');
      await ui.page.getByRole('alertdialog').waitFor({ state: 'detached' });
      expect(await asked('prompt.answer')).toEqual([{ prompt: 'p1', answer: { kind: 'no' } }]);
    });
  });
}
