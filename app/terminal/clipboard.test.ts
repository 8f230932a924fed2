/** Escapes from a POD, through the emulator that shows them. */
import { ClipboardAddon } from '@xterm/addon-clipboard';
import { Terminal } from '@xterm/headless';
import { describe, expect, it, vi } from 'vitest';
import { podClipboard } from './clipboard';

vi.hoisted(() => void Object.assign(globalThis, { self: globalThis })); // which the emulator's parts take for the window

/** What a POD that writes this does to the clipboard, and what it is told back. */
async function afterwards(text: string, { mayWrite = true, hasFocus = true } = {}): Promise<{ clipboard: string; told: string }> {
  let [clipboard, told] = ['of the person', ''];
  const terminal = new Terminal({ allowProposedApi: true });
  terminal.loadAddon(new ClipboardAddon(undefined, podClipboard({ mayWrite: () => mayWrite, hasFocus: () => hasFocus, put: async (words) => void (clipboard = words) })) as unknown as Parameters<Terminal['loadAddon']>[0]);
  terminal.onData((words) => (told += words));
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  await new Promise((resolve) => setTimeout(resolve, 0));
  terminal.dispose();
  return { clipboard, told };
}

const set = (words: string): string => `\x1b]52;c;${Buffer.from(words).toString('base64')}\x07`;

describe('the clipboard', () => {
  it('is set by a program where a person allowed it', async () => {
    expect((await afterwards(set('of the POD'))).clipboard).toBe('of the POD');
  });

  it.each([
    ['where nobody allowed it', set('of the POD'), { mayWrite: false }],
    ['while another window is used', set('of the POD'), { hasFocus: false }],
    ['to more than a person would', set('x'.repeat(100_001)), {}],
  ])('is not set %s', async (_what, text, rights) => {
    expect((await afterwards(text, rights)).clipboard).toBe('of the person');
  });

  it('is never read by a program', async () => {
    const { clipboard, told } = await afterwards('\x1b]52;c;?\x07');
    expect(clipboard).toBe('of the person');
    expect(told).not.toContain(Buffer.from('of the person').toString('base64'));
  });

  it('what a program says of itself comes not back as if it had been typed: title, icon, answers to questions', async () => {
    expect((await afterwards('\x1b]0;rm -rf ~\r\x07\x1b]2;ls\r\x07\x1b[21t\x1b[20t')).told).toBe('');
  });
});
