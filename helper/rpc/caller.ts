/** Whoever is at the other end, by the word of the program that made us root. */
import { ZapError } from '../protocol/errors';
import { UserName } from '../protocol/model';
import type { Caller } from '../pod/record';

/**
 * sudo sets SUDO_UID and SUDO_USER itself, whatever its caller had there, and both together. Without them nobody became root on the way: it is root who calls.
 */
export function whoCalls(environment: NodeJS.ProcessEnv, self: string): Caller {
  const { SUDO_USER: user, SUDO_UID: uid } = environment;
  if (user === undefined && uid === undefined) return { user: self };
  if (!UserName.safeParse(user).success || !/^\d{1,10}$/.test(uid ?? '') || (uid === '0') !== (user === 'root')) {
    throw new ZapError('host/caller-unknown', 'It cannot be told which user the helper works for.', { hint: 'It is to be started by root, or through sudo.' });
  }
  return { user: user! };
}
