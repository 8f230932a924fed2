import { expect, test } from 'vitest';
import { ZapError } from './errors';

test.each([
  [Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), 'system/disk-full'],
  [Object.assign(new Error("EROFS: read-only file system, open '/x'"), { code: 'EROFS' }), 'system/disk-read-only'],
  [Object.assign(new Error(", Unknown error: Read-only file system '/x'"), { code: '' }), 'system/disk-read-only'], // as Node's rmSync says it
  [Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }), 'system/disk-failed'],
  [new Error('something else'), 'internal/unexpected'],
])('%s is told as what it is', (error, code) => {
  expect(ZapError.from(error)).toMatchObject({ code, cause: error });
});
