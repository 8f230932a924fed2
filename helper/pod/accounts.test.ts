import { expect, test } from 'vitest';
import { findAccount } from './accounts';

const passwd = 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\nnobody:x:4294967295:0::/:/bin/sh\nliar:x:70000:0::/:/bin/sh\nodd:x:12:13::relative:/bin/sh\nshort\n';
const group = 'root:x:0:\naudio:x:29:other,user\nvideo:x:44:user\nbad:x:99999:user\n:::\n';

test.each([
  ['root', { uid: 0, gid: 0, groups: [0], home: '/root' }],
  ['user', { uid: 1000, gid: 1000, groups: [1000, 29, 44], home: '/home/user' }],
  ['1000', { name: 'user', uid: 1000, groups: [1000, 29, 44] }],
  ['1234', { uid: 1234, gid: 1234, groups: [1234], home: '/' }],
  ['odd', { uid: 12, gid: 13, home: '/' }],
] as const)('%s is found', (user, account) => expect(findAccount(user, passwd, group)).toMatchObject(account));

test.each(['stranger', 'nobody', 'liar', '70000', '-1', '', '0x0'])('%j is nobody here', (user) => expect(findAccount(user, passwd, group)).toBeUndefined());

test('without any files there is root', () => expect(findAccount('root', '', '')).toMatchObject({ uid: 0, gid: 0 }));
