/** Pages of the web, opened in the system's browser after a person has seen where they lead. */
import { dialog, shell, type BrowserWindow } from 'electron';
import { ZapError } from '../../helper/protocol/errors';
import type { Words } from './words';

/** Links may stand in what a host or a terminal says: only the plain web, and nothing that hides where it leads. */
export function linkOf(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new ZapError('usage/bad-link', 'This is not the address of a page.', { cause });
  }
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') throw new ZapError('usage/bad-link', 'Only pages that begin with https:// are opened.', { data: { url: url.href.slice(0, 200) } });
  return url;
}

export async function openLink(text: string, window: BrowserWindow, words: Words): Promise<void> {
  const url = linkOf(text);
  const { response } = await dialog.showMessageBox(window, { type: 'question', message: words.openLinkTitle, detail: url.href, buttons: [words.open, words.cancel], defaultId: 1, cancelId: 1, noLink: true });
  if (response === 0) await shell.openExternal(url.href);
}
