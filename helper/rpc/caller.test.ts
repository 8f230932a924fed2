import { expect, test } from 'vitest';
import { whoCalls } from './caller';

test('through sudo it is the user who called sudo, otherwise it is root', () => {
  expect(whoCalls({ SUDO_USER: 'ada', SUDO_UID: '1000', USER: 'root' }, 'root')).toEqual({ user: 'ada' });
  expect(whoCalls({ SUDO_USER: 'root', SUDO_UID: '0' }, 'root')).toEqual({ user: 'root' });
  expect(whoCalls({ USER: 'ada', LOGNAME: 'ada' }, 'root')).toEqual({ user: 'root' });
});

test.each([{ SUDO_USER: 'ada' }, { SUDO_UID: '1000' }, { SUDO_USER: 'root', SUDO_UID: '1000' }, { SUDO_USER: 'ada', SUDO_UID: '0' }, { SUDO_USER: '../ada', SUDO_UID: '1' }, { SUDO_USER: 'ada', SUDO_UID: '-1' }])('%j is nobody', (environment) => {
  expect(() => whoCalls(environment, 'root')).toThrow(/which user/);
});
