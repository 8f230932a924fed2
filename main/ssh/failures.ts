/** What ssh2 and the socket below it report, as our errors: each cause with its own code, a sentence and a remedy. */
import { ZapError } from '../../helper/protocol/errors';
import type { SshTarget } from './target';

type SshFailure = Error & { level?: string; code?: string | number };

export function asSshError(error: SshFailure, target: SshTarget, timeoutMs: number): ZapError {
  const where = `${target.address}:${target.port}`;
  const options = { cause: error, data: { host: target.name, address: target.address, port: target.port } };
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return new ZapError('host/name-not-found', `The address of ${target.name} cannot be found: "${target.address}" has no entry in the name service.`, { ...options, hint: 'Check the spelling with `zap host list`.' });
    case 'ECONNREFUSED':
      return new ZapError('host/refused', `${target.name} (${where}) refuses the connection: no SSH server listens there.`, { ...options, hint: target.name === 'local' ? undefined : 'Is it up, and is the port right? For a lab host: `zap lab up`.' });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return new ZapError('host/unreachable', `There is no way to ${target.name} (${where}) from here.`, { ...options, hint: 'Check the network, and that the host is up.' });
    case 'ETIMEDOUT':
      return timeout(target, where, timeoutMs, options);
    case 'ECONNRESET':
    case 'EPIPE':
      return new ZapError('host/connection-lost', `${target.name} (${where}) broke the connection.`, options);
  }
  switch (error.level) {
    case 'client-timeout':
      return timeout(target, where, timeoutMs, options);
    case 'client-authentication':
      return new ZapError('host/auth-failed', `${target.name} does not let "${target.user}" in with the keys at hand.`, {
        ...options,
        hint: target.identityFile ? `The key was ${target.identityFile}; is its public half in the host's authorized_keys?` : 'Name a key with --identity, or add one to the SSH agent.',
      });
    case 'handshake':
    case 'protocol':
      if (error.message.includes('lost before handshake')) return new ZapError('host/connection-lost', `${target.name} (${where}) broke the connection.`, options);
      return new ZapError('host/handshake-failed', `${target.name} (${where}) does not speak SSH as expected: ${error.message}`, options);
  }
  return new ZapError('host/connection-failed', `The connection to ${target.name} (${where}) failed: ${error.message}`, options);
}

function timeout(target: SshTarget, where: string, timeoutMs: number, options: object): ZapError {
  return new ZapError('host/timeout', `${target.name} (${where}) did not answer within ${timeoutMs / 1000} s.`, { ...options, hint: 'Check the network, and that the host is up.' });
}
