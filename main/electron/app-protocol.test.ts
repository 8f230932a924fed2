import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer, contentSecurityPolicy, fileOf, schemePrivileges } from './app-protocol';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'zap-page-'));
  mkdirSync(join(directory, 'renderer/assets'), { recursive: true });
  writeFileSync(join(directory, 'renderer/index.html'), '<p>page');
  writeFileSync(join(directory, 'renderer/assets/a.js'), 'script');
  writeFileSync(join(directory, 'secret.html'), 'secret');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ask = async (url: string, method = 'GET'): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await answer({ url, method }, join(directory, 'renderer'));
  return { status: response.status, text: await response.text(), headers: response.headers };
};

describe('the scheme', () => {
  it('is standard and secure, and passes no policy by', () => {
    expect(schemePrivileges).toEqual({ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } });
  });

  it('serves the page and what belongs to it, each with the policy', async () => {
    const page = await ask('app://zap/index.html');
    expect(page).toMatchObject({ status: 200, text: '<p>page' });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toBe(contentSecurityPolicy);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await ask('app://zap/assets/a.js?v=1#x')).toMatchObject({ status: 200, text: 'script' });
    expect((await ask('app://zap/missing.html')).headers.get('content-security-policy')).toBe(contentSecurityPolicy);
  });

  it.each([
    'app://zap/', 'app://zap', 'app://other/index.html', 'file:///etc/passwd', 'https://zap/index.html', 'app://zap/../secret.html', 'app://zap/%2e%2e/secret.html', 'app://zap/..%2fsecret.html',
    'app://zap/assets/..%2f..%2fsecret.html', 'app://zap/%00index.html', 'app://zap/..%5csecret.html', 'app://zap/.hidden.html', 'app://zap//index.html', 'app://zap/%', 'app://zap/assets', 'not a url',
  ])('has nothing at %s', async (url) => expect((await ask(url)).status).toBe(404));

  it('answers no other method, and follows no link that leads out', async () => {
    expect((await ask('app://zap/index.html', 'POST')).status).toBe(404);
    symlinkSync(join(directory, 'secret.html'), join(directory, 'renderer/link.html'));
    expect((await ask('app://zap/link.html')).status).toBe(404);
  });

  it('never names a file outside, whatever the URL', () => {
    const segment = fc.oneof(fc.constantFrom('..', '%2e%2e', '.', '%2f', '..%2f', '%5c', 'a.html', 'assets'), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        const file = fileOf(`app://zap/${segments.join('/')}`, '/srv/page');
        return file === undefined || (file.startsWith(`/srv/page${sep}`) && !file.split(sep).includes('..'));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the policy', () => {
  const directives = new Map(contentSecurityPolicy.split('; ').map((directive) => [directive.split(' ')[0]!, directive.split(' ').slice(1)]));

  it('lets nothing in from elsewhere, and turns no text into a script', () => {
    expect(directives.get('default-src')).toEqual(["'none'"]);
    expect(directives.get('script-src')).toEqual(["'self'"]);
    expect(directives.get('require-trusted-types-for')).toEqual(["'script'"]);
    for (const name of ['base-uri', 'form-action', 'frame-ancestors', 'frame-src', 'object-src']) expect(directives.get(name)).toEqual(["'none'"]);
    expect(contentSecurityPolicy).not.toMatch(/https?:|\*|unsafe-eval/);
  });
});
