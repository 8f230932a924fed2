/** The user interface in real Electron, with a fake of the services at the wire: every gesture and every trouble, without a host. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeWindow } from './support/fake-window';
import { seriousIssues } from './support/accessibility';

const research = '000000000001';
const archive = '000000000005';

let ui: FakeWindow;

beforeAll(async () => {
  ui = await FakeWindow.open();
});
afterAll(async () => {
  await ui?.close();
});
beforeEach(async () => {
  await ui.show('demo');
});
afterEach(() => {
  expect(ui.errors.splice(0)).toEqual([]);
});

const card = (id: string) => ui.page.locator(`[role="row"][data-key="${id}"]`);
const column = (host: string) => ui.page.locator(`[data-host="${host}"]`);
const dialog = () => ui.page.getByRole('dialog');
const button = (name: string) => ui.page.getByRole('button', { name, exact: true });
const asked = (name: string) => ui.page.evaluate((wanted) => window.fake.asked.filter((call) => call.name === wanted).map(({ input }) => input), name);
const eventually = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 10_000 });
const visible = (text: string) => ui.page.getByText(text).first().waitFor({ timeout: 10_000 });

async function beginMoveToBeta(): Promise<void> {
  await card(research).click();
  await ui.page.keyboard.press('Control+m');
  await ui.page.getByRole('option', { name: /beta/ }).click();
  await button('Move').click();
  await column('beta').getByRole('note').waitFor();
}

describe('moving', () => {
  it('by mouse: every host answers when a card is picked up, a drop asks first, the card shows the way', async () => {
    await card(research).hover();
    await ui.page.mouse.down();
    const box = (await column('beta').locator('.cards').boundingBox())!;
    await ui.page.mouse.move(box.x + 60, box.y + 60, { steps: 4 });
    await ui.page.mouse.move(box.x + 90, box.y + 200, { steps: 4 });
    await ui.page.locator('[data-host="beta"].verdict-ready.column-over').waitFor();
    expect(await column('beta').locator('.column-verdict').textContent()).toBe('Live, 180 MB, pause about 0.31 s');
    expect(await column('gamma').getAttribute('class')).toContain('verdict-impossible');
    expect(await column('gamma').locator('.column-verdict').textContent()).toContain('architecture');
    expect(await column('delta').locator('.column-verdict').textContent()).toContain('cannot be reached');
    await ui.page.mouse.up();

    await visible('Move research to beta?');
    expect(await asked('pod.move')).toEqual([]);
    await visible('Nothing stands in the way');
    expect(await ui.page.evaluate(() => document.activeElement?.textContent)).toBe('Move');
    await ui.page.keyboard.press('Enter');
    await column('beta').getByRole('note').waitFor();
    expect(await asked('pod.move')).toEqual([{ pod: research, to: 'beta', resumes: false }]);

    await ui.page.evaluate(() => window.fake.progress('task-1', { phase: 'memory', bytes: 90e6, totalBytes: 180e6, bytesPerSecond: 112e6 }));
    await visible('Copying while it runs');
    await visible('90 MB of 180 MB · 112 MB/s');
    await ui.page.evaluate(() => window.fake.progress('task-1', { phase: 'restore', frozenSinceMs: Date.now(), isCommitted: true }));
    await visible('Can no longer be cancelled');
    expect(await card(research).getByRole('button', { name: 'Cancel' }).count()).toBe(0);
    await ui.page.evaluate(() => window.fake.end('task-1', { kind: 'done', outcome: { downtimeMs: 312, totalMs: 2100 } }));
    await visible('research runs on beta now');
    await visible('It was paused for 0.31 s.');
    expect(await column('beta').locator(`[data-key="${research}"]`).count()).toBe(1);
    await button('Move back').click();
    await eventually(() => asked('pod.move')).toHaveLength(2);
    expect((await asked('pod.move'))[1]).toEqual({ pod: research, to: 'alpha', resumes: false });
  });

  it('by keyboard: picked up, announced, dropped', async () => {
    await card(research).focus();
    await ui.page.keyboard.press('ArrowRight');
    expect(await ui.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Move research');
    await ui.page.keyboard.press('Enter');
    await eventually(() => ui.page.locator('.window > [role="status"]').textContent()).toContain('gamma: gamma is aarch64');
    expect(await ui.page.locator('[data-live-announcer]').textContent()).toContain('Drop on');
    // What is spoken of the place that has the focus: its own words, and those that it refers to.
    const spoken = () => ui.page.evaluate(() => (document.activeElement?.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.getAttribute('aria-label')).join(' '));
    expect(await spoken()).toBe('Drop on beta: Live, 180 MB, pause about 0.31 s');
    await ui.page.keyboard.press('Tab');
    expect(await spoken()).toBe('Drop on This computer: Not known yet whether it can run here');
    await ui.page.keyboard.press('Shift+Tab');
    await ui.page.keyboard.press('Enter');
    await visible('Move research to beta?');
    await ui.page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await asked('pod.move')).toEqual([]);
  });

  it('is put back by Escape', async () => {
    await card(research).focus();
    await ui.page.keyboard.press('ArrowRight');
    await ui.page.keyboard.press('Enter');
    await column('beta').locator('.column-verdict').waitFor();
    await ui.page.keyboard.press('Escape');
    await column('beta').locator('.column-verdict').waitFor({ state: 'detached' });
    expect(await dialog().count()).toBe(0);
  });

  it('by dialog: hosts that cannot take it are there, and say why', async () => {
    await card(research).click();
    await ui.page.keyboard.press('Control+m');
    const gamma = ui.page.getByRole('option', { name: /gamma/ });
    await gamma.waitFor();
    expect(await gamma.getAttribute('aria-disabled')).toBe('true');
    expect(await gamma.textContent()).toContain('aarch64');
    await ui.page.getByRole('option', { name: /beta/ }).click();
    await visible('Move research to beta?');
  });

  it('is cancelled until it commits', async () => {
    await beginMoveToBeta();
    await card(research).getByRole('button', { name: 'Cancel' }).click();
    await column('beta').getByRole('note').waitFor({ state: 'detached' });
    expect(await asked('task.cancel')).toEqual([{ task: 'task-1' }]);
  });

  it('that fails says first where the POD is, and shows its evidence', async () => {
    await beginMoveToBeta();
    await ui.page.evaluate(() => window.fake.end('task-1', { kind: 'failed', error: { code: 'criu/restore-failed', message: 'CRIU could not restore it on beta.', hint: 'Try again.', evidence: ['Error (criu/files.c:1): no such file'] }, whereabouts: { host: 'alpha', state: 'running' } }));
    const notice = ui.page.locator('.notice-bad');
    await notice.waitFor();
    expect((await notice.locator('.strong').first().textContent())!).toBe('Still running on alpha. Nothing was lost.');
    await notice.getByRole('button', { name: 'Show details' }).click();
    await ui.page.getByRole('button', { name: '1 line of the log' }).click();
    await visible('Error (criu/files.c:1): no such file');
    expect(await column('alpha').locator(`[data-key="${research}"]`).count()).toBe(1);
  });

  it('without a warning starts at once for those who chose so', async () => {
    await ui.page.evaluate(() => window.zap.call('settings.change', { skipsPlan: true }));
    await card(research).click();
    await ui.page.keyboard.press('Control+m');
    await ui.page.getByRole('option', { name: /beta/ }).click();
    await eventually(() => asked('pod.move')).toHaveLength(1);
  });
});

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
    expect(ui.errors.splice(0).join()).toContain('TypeError');
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

describe('PODs', () => {
  it('are deleted only by typing their name', async () => {
    await card(research).click();
    await ui.page.keyboard.press('Delete');
    await visible('Delete research?');
    expect(await button('Delete').isDisabled()).toBe(true);
    await ui.page.keyboard.type('research');
    await button('Delete').click();
    await eventually(() => asked('pod.delete')).toEqual([{ pod: research }]);
  });

  it('are created from an environment, with network and limits', async () => {
    await ui.page.keyboard.press('Control+n');
    await ui.page.getByRole('radio', { name: /^shell/ }).click({ force: true });
    await ui.page.getByLabel('Name', { exact: true }).fill('research');
    await visible('There is already a POD called research.');
    expect(await button('Create').isDisabled()).toBe(true);
    await ui.page.getByLabel('Name', { exact: true }).fill('lab-1');
    await ui.page.getByRole('radio', { name: /^Own address/ }).click({ force: true });
    await ui.page.getByLabel('Address and prefix').fill('192.168.1.70/24');
    await ui.page.getByLabel('Memory (MiB)').fill('512');
    await button('Create').click();
    await eventually(() => asked('pod.create')).toHaveLength(1);
    expect((await asked('pod.create'))[0]).toMatchObject({ host: 'alpha', name: 'lab-1', network: { profile: 'lan', address: '192.168.1.70', prefixLength: 24 }, limits: { memoryBytes: 512 << 20 } });
  });

  it('are resumed where one wants, cloned, renamed', async () => {
    await card(archive).click();
    await ui.page.keyboard.press('Shift+F10');
    await ui.page.getByRole('menuitem', { name: 'Resume…' }).click();
    await ui.page.getByRole('radio', { name: /^alpha/ }).click({ force: true });
    await button('Resume').click();
    await eventually(() => asked('pod.resume')).toEqual([{ pod: archive, to: 'alpha' }]);
    await card(research).click();
    await ui.page.keyboard.press('F2');
    await ui.page.keyboard.press('Control+a');
    await ui.page.keyboard.type('study');
    await ui.page.keyboard.press('Enter');
    await card(research).getByText('study').waitFor();
    await ui.page.keyboard.press('Control+k');
    await ui.page.keyboard.type('clone');
    await ui.page.keyboard.press('Enter');
    await button('Clone').click();
    await eventually(() => asked('pod.clone')).toEqual([{ pod: research, name: 'study-copy', to: 'alpha', isFresh: false, network: { profile: 'nat' } }]);
  });

  it('are searched, filtered, selected together and listed', async () => {
    await ui.page.keyboard.press('Control+f');
    await ui.page.keyboard.type('shell beta');
    await eventually(() => ui.page.locator('[role="row"][data-key]').count()).toBe(2);
    await ui.page.keyboard.press('Escape');
    await card(research).click();
    await card('000000000003').click({ modifiers: ['Control'] });
    await ui.page.getByRole('toolbar', { name: '2 PODs' }).getByRole('button', { name: 'Move to…' }).click();
    await visible('Move 2 PODs to…');
    await ui.page.keyboard.press('Escape');
    await ui.page.getByRole('radio', { name: 'Show PODs as a list' }).click({ force: true });
    await ui.page.getByRole('columnheader', { name: 'Host' }).click();
    await eventually(() => ui.page.getByRole('rowheader').first().textContent()).toBe('mail');
  });
});

describe('hosts', () => {
  it('are offered from the SSH configuration on the first run', async () => {
    await ui.show('empty');
    await visible('Your sessions, on any of your machines');
    await ui.page.getByRole('checkbox', { name: /build-farm/ }).click({ force: true });
    await button('Add 1 host').click();
    await eventually(() => asked('host.add')).toEqual([{ host: 'build-farm', destination: 'build-farm' }]);
  });

  it('are added by their address, under a name that is free', async () => {
    await ui.page.keyboard.press('Control+Shift+N');
    await ui.page.getByLabel('Where it is').fill('anna@alpha.example');
    expect(await ui.page.getByLabel('What you call it').inputValue()).toBe('alpha.example');
    await ui.page.getByLabel('What you call it').fill('alpha');
    await visible('There is already a host called alpha.');
    await ui.page.getByLabel('What you call it').fill('alpha-2');
    await ui.page.getByLabel('Through (optional)').fill('gate');
    await button('Add').click();
    await eventually(() => asked('host.add')).toEqual([{ host: 'alpha-2', destination: 'anna@alpha.example', jump: 'gate' }]);
  });

  it('are checked, mended, evacuated and removed', async () => {
    await ui.show('demo', '#/host/alpha/health');
    await button('Check again').click();
    await eventually(() => asked('host.doctor')).toEqual([{ host: 'alpha' }]);
    await button('Fix').click();
    await eventually(() => asked('host.fix')).toEqual([{ host: 'alpha', finding: 'host/clock' }]);
    await button('Actions for alpha').click();
    await ui.page.getByRole('menuitem', { name: 'Evacuate host…' }).click();
    await button('Move 3 PODs').click();
    await eventually(() => asked('host.evacuate')).toEqual([{ host: 'alpha' }]);
    await button('Actions for alpha').click();
    await ui.page.getByRole('menuitem', { name: 'Remove host…' }).click();
    await button('Remove').click();
    await column('beta').waitFor();
    expect(await column('alpha').count()).toBe(0);
  });
});

describe('commands', () => {
  it('are found in the palette, with PODs and hosts', async () => {
    await ui.page.keyboard.press('Control+Shift+P');
    await ui.page.keyboard.type('notebook');
    await ui.page.keyboard.press('Enter');
    await ui.page.getByRole('heading', { name: 'notebook' }).waitFor();
    await ui.page.keyboard.press('Control+k');
    await ui.page.keyboard.type('move to alpha');
    await ui.page.keyboard.press('Enter');
    await visible('Move notebook to alpha?');
  });

  it('are listed with their keys', async () => {
    await ui.page.keyboard.press('Shift+?');
    await visible('Keyboard shortcuts');
    expect(await dialog().locator('dt', { hasText: 'Move to…' }).locator('xpath=../dd').textContent()).toBe('Ctrl+M');
  });

  it('run when the native menu says so, and only known ones', async () => {
    await ui.page.evaluate(() => {
      window.fake.tell('command', { command: 'constructor' });
      window.fake.tell('command', { command: 'app.settings' });
    });
    await visible('Language');
    await ui.page.getByRole('radio', { name: 'Deutsch' }).click({ force: true });
    await visible('Einstellungen');
    expect(await ui.page.evaluate(() => document.documentElement.lang)).toBe('de');
    await ui.page.getByRole('radio', { name: 'Dunkel' }).click({ force: true });
    await eventually(() => ui.page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
    await ui.page.keyboard.press('Escape');
    await visible('Neuer POD');
  });
});

describe('tasks', () => {
  it('survive a reload of the window', async () => {
    await beginMoveToBeta();
    const state = await ui.page.evaluate(() => window.fake.state);
    await ui.page.reload();
    await ui.page.evaluate((snapshot) => {
      window.fake.state = snapshot;
      window.fake.tell('restarted', {});
    }, state);
    await column('beta').getByRole('note').waitFor();
    await ui.page.keyboard.press('Control+j');
    await ui.page.getByRole('complementary', { name: 'Tasks' }).getByText('Move research from alpha to beta').waitFor();
  });
});

describe('axe finds nothing serious', () => {
  const pages: [name: string, world: 'demo' | 'empty', hash: string, keys?: string][] = [
    ['overview', 'demo', '#/'],
    ['first run', 'empty', '#/'],
    ['host', 'demo', '#/host/alpha/health'],
    ['host’s PODs', 'demo', '#/host/alpha'],
    ['host’s environments', 'demo', '#/host/alpha/environments'],
    ['lost host', 'demo', '#/host/delta'],
    ['POD', 'demo', `#/pod/${research}/details`],
    ['POD’s history', 'demo', `#/pod/${research}/history`],
    ['POD’s desktop', 'demo', `#/pod/${research}/desktop`],
    ['POD’s terminal', 'demo', `#/pod/${research}/terminal`],
    ['palette', 'demo', '#/', 'Control+k'],
    ['shortcuts', 'demo', '#/', 'Shift+?'],
    ['settings', 'demo', '#/', 'Control+,'],
    ['create', 'demo', '#/', 'Control+n'],
    ['add host', 'demo', '#/', 'Control+Shift+N'],
    ['tasks', 'demo', '#/', 'Control+j'],
  ];

  it.each(pages)('on the page "%s"', async (_name, world, hash, keys) => {
    await ui.show(world, hash);
    await ui.page.evaluate(() => window.zap.call('settings.change', { theme: 'light', motion: 'reduced' }));
    if (keys !== undefined) await ui.page.keyboard.press(keys);
    expect(await seriousIssues(ui.page)).toEqual([]);
  });

  it.each(['#/', '#/host/alpha/health', `#/pod/${research}/details`])('in the dark, on %s', async (hash) => {
    await ui.show('demo', hash);
    await ui.page.evaluate(() => window.zap.call('settings.change', { theme: 'dark', motion: 'reduced' }));
    await ui.page.keyboard.press('Control+j');
    await eventually(() => ui.page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
    expect(await seriousIssues(ui.page)).toEqual([]);
  });

  it('on the list and on the plan sheet', async () => {
    await ui.page.evaluate(() => window.zap.call('settings.change', { overview: 'list', motion: 'reduced' }));
    await ui.page.getByRole('grid', { name: 'PODs' }).waitFor();
    expect(await seriousIssues(ui.page)).toEqual([]);
    await ui.page.getByRole('row', { name: /research/ }).click();
    await ui.page.keyboard.press('Control+m');
    await ui.page.getByRole('option', { name: /beta/ }).waitFor();
    expect(await seriousIssues(ui.page)).toEqual([]);
    await ui.page.getByRole('option', { name: /beta/ }).click();
    await visible('Nothing stands in the way');
    expect(await seriousIssues(ui.page)).toEqual([]);
  });
});
