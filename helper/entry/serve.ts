/**
 * `zap-helper serve`: one connection over standard input and output.
 *
 * Each connection has a process of its own; what several of them share is on disk and in locks. It ends with its connection, but not before the last
 * job that must not be left half done.
 */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { putUserfaultRightBack } from '../criu/userfault-right';
import { EnvironmentStore } from '../files/environments';
import { allSaid } from '../move/last-words';
import { recoverHost } from '../move/recover';
import { stateRoot, userfaultRights } from '../pod/paths';
import { whoCalls } from '../rpc/caller';
import { createHandlers } from '../rpc/handlers';
import { serve } from '../rpc/server';
import { dropPrivileges } from '../system/privileges';
import { provideSpares } from '../system/spare-files';
import { privateUmask } from '../system/umask';

/** What a client looks for before the first frame: login shells may print anything before it. */
const greeting = 'ZAP/1\r\n\0';

export async function serveConnection(): Promise<void> {
  if (process.getuid?.() !== 0) throw new ZapError('host/not-root', 'The helper must run as root.', { hint: 'It is started through sudo.' });
  dropPrivileges();
  process.umask(privateUmask);
  const caller = whoCalls(process.env, userInfo().username);
  for (const name of Object.keys(process.env)) delete process.env[name];
  process.on('SIGHUP', () => {}); // the end of the connection shows at standard input
  process.on('SIGTERM', () => {});
  provideSpares(join(stateRoot, 'spare'));
  await putUserfaultRightBack(userfaultRights);
  const environments = new EnvironmentStore();
  const recovery = recoverHost(environments, (line) => process.stderr.write(`${line}\n`));
  await recovery.local;
  process.stdout.write(greeting);
  const connection = serve(process.stdin, process.stdout, caller, createHandlers(environments));
  await connection.closed;
  await connection.idle();
  await allSaid();
  await recovery.remote;
  process.exit(0);
}
