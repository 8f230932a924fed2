import { EventEmitter } from 'node:events';
import type { Session, WebContents } from 'electron';
import { describe, expect, it, vi } from 'vitest';
import { guard, guardSession, mayHave } from './guards';
import { linkOf } from './links';
import { isTrusted } from './sender';

vi.mock('electron', () => ({ dialog: {}, shell: {} }));

describe('what a page may have', () => {
  it.each([
    ['clipboard-read', 'app://zap/index.html', true],
    ['clipboard-sanitized-write', 'app://zap', true],
    ['fullscreen', 'app://zap/index.html', true],
    ['media', 'app://zap/index.html', false],
    ['geolocation', 'app://zap/index.html', false],
    ['notifications', 'app://zap/index.html', false],
    ['openExternal', 'app://zap/index.html', false],
    ['clipboard-read', 'https://zap/index.html', false],
    ['clipboard-read', 'app://other', false],
    ['clipboard-read', '', false],
  ])('%s for %s: %s', (permission, url, expected) => expect(mayHave(permission, url)).toBe(expected));

  it('is decided for requests, checks and devices alike, and for the main frame only', () => {
    const set: Record<string, (...args: never[]) => unknown> = {};
    const keep = (name: string) => (handler: unknown) => void (set[name] = handler as never);
    guardSession({ setPermissionRequestHandler: keep('request'), setPermissionCheckHandler: keep('check'), setDevicePermissionHandler: keep('device') } as unknown as Session);
    const request = (permission: string, isMainFrame: boolean): boolean => {
      let decision = false;
      (set['request'] as unknown as (...args: unknown[]) => void)(null, permission, (granted: boolean) => (decision = granted), { isMainFrame, requestingUrl: 'app://zap/index.html' });
      return decision;
    };
    expect([request('clipboard-read', true), request('clipboard-read', false), request('media', true)]).toEqual([true, false, false]);
    expect((set['check'] as unknown as (...args: unknown[]) => boolean)(null, 'usb', 'app://zap')).toBe(false);
    expect(set['device']!()).toBe(false);
  });
});

describe('what a page may do', () => {
  it('neither leaves, nor is led away, nor embeds, nor opens windows', () => {
    const contents = new EventEmitter() as EventEmitter & { setWindowOpenHandler: (handler: () => unknown) => void };
    let open: (() => unknown) | undefined;
    contents.setWindowOpenHandler = (handler) => (open = handler);
    guard(contents as unknown as WebContents);
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview']) {
      const event = { preventDefault: vi.fn() };
      contents.emit(name, event);
      expect(event.preventDefault, name).toHaveBeenCalledOnce();
    }
    expect(open!()).toEqual({ action: 'deny' });
  });
});

describe('who may ask', () => {
  const frame = { url: 'app://zap/index.html', parent: null };
  it.each([
    ['the main frame of our window', { sender: { id: 1 }, senderFrame: frame }, true],
    ['a frame in it', { sender: { id: 1 }, senderFrame: { ...frame, parent: frame } }, false],
    ['other contents', { sender: { id: 2 }, senderFrame: frame }, false],
    ['another page', { sender: { id: 1 }, senderFrame: { ...frame, url: 'https://zap/index.html' } }, false],
    ['a page that only looks like ours', { sender: { id: 1 }, senderFrame: { ...frame, url: 'app://zap.example/index.html' } }, false],
    ['an empty page', { sender: { id: 1 }, senderFrame: { ...frame, url: 'about:blank' } }, false],
    ['a frame that is gone', { sender: { id: 1 }, senderFrame: null }, false],
  ])('%s', (_who, event, expected) => expect(isTrusted(event, new Set([1]))).toBe(expected));
});

describe('links', () => {
  it('opens plain pages of the web', () => expect(linkOf('https://example.org/a?b#c').href).toBe('https://example.org/a?b#c'));
  it.each(['http://example.org', 'file:///etc/passwd', 'javascript:alert(1)', 'https://me:secret@example.org', 'smb://host/share', 'app://zap/index.html', 'nonsense', ''])('refuses %s', (text) => {
    expect(() => linkOf(text)).toThrow(expect.objectContaining({ code: 'usage/bad-link' }));
  });
});
