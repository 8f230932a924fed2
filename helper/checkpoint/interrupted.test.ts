import { expect, test } from 'vitest';
import { interruptedDump } from './interrupted';

const record = { name: 'desk', state: { init: { pid: 100, startTicks: 1 } } };
const names = new Map([[100, 'tini'], [101, 'sh'], [102, 'xterm']]);
const cause = new Error('gone');

test.each([
  { lost: [], code: 'criu/died', says: 'The POD runs on' },
  { lost: [102, 103], code: 'criu/died-with-processes', says: 'and "xterm", "103" ended with it. The rest of the POD runs on.' },
  { lost: [100, 101, 102], code: 'criu/died-with-processes', says: "and all of the POD's processes ended with it. Its files are kept." },
])('$lost ended with CRIU', ({ lost, code, says }) => {
  const error = interruptedDump(record, { lost, names, cause });
  expect(error).toMatchObject({ code, message: expect.stringContaining(says), data: { pod: 'desk' } });
});
