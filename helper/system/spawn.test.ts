import { expect, test } from 'vitest';
import { run } from './spawn';

test('a program may be kept from gaining rights; then everything it starts is, too', async () => {
  const rights = async (mayGainNoRights: boolean): Promise<string> => (await run('sh', ['-c', 'grep NoNewPrivs: /proc/self/status'], { mayGainNoRights })).stdout;
  expect(await rights(true)).toMatch(/:\t1$/m);
  expect(await rights(false)).toMatch(/:\t0$/m);
});

test.each([true, false])('a program that is not there is said to be missing (%s)', async (mayGainNoRights) => {
  await expect(run('no-such-program', [], { mayGainNoRights })).rejects.toMatchObject({ code: 'system/program-missing', data: { program: 'no-such-program' } });
});

test('nothing of our environment is inherited, and files are made for all to read', async () => {
  process.env['ZAP_TEST_SECRET'] = 'x';
  expect((await run('sh', ['-c', 'env; umask'], {})).stdout).not.toContain('ZAP_TEST_SECRET');
  const before = process.umask(0o077);
  try {
    expect((await run('sh', ['-c', 'umask'])).stdout.trim()).toBe('0022');
  } finally {
    process.umask(before);
    delete process.env['ZAP_TEST_SECRET'];
  }
});
