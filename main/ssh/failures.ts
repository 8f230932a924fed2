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
    case 'ERR_STREAM_PREMATURE_CLOSE': // of a stream that is no socket: a command's
    case 'ERR_STREAM_DESTROYED':
    case 'ERR_STREAM_WRITE_AFTER_END':
    case 'ABORT_ERR':
      return new ZapError('host/connection-lost', `${target.name} (${where}) broke the connection.`, options);
  }
  switch (error.level) {
    case 'client-timeout':
      return timeout(target, where, timeoutMs, options);
    case 'handshake':
    case 'protocol':
      if (error.message.includes('lost before handshake')) return new ZapError('host/connection-lost', `${target.name} (${where}) broke the connection.`, options);
      return new ZapError('host/handshake-failed', `${target.name} (${where}) does not speak SSH as expected: ${error.message}`, options);
  }
  return new ZapError('host/connection-failed', `The connection to ${target.name} (${where}) failed: ${error.message}`, options);
}

/** A stream that could not be opened over a connection that stands: to a program there, or (`to`) to somewhere else. */
export function asChannelError(error: Error & { reason?: number | string }, target: SshTarget, to?: string): ZapError {
  const options = { cause: error, data: { host: target.name } };
  if (to === undefined && error.reason !== undefined) {
    return new ZapError('host/channel-refused', `${target.name} allows no more streams over one connection.`, { ...options, hint: 'Look at MaxSessions in its sshd_config: Zap opens several.' });
  }
  switch (error.reason) {
    case 1: // SSH_OPEN_ADMINISTRATIVELY_PROHIBITED
    case 4: // SSH_OPEN_RESOURCE_SHORTAGE
      return new ZapError('host/channel-refused', `${target.name} does not allow a connection to ${to}.`, { ...options, hint: 'Look at AllowTcpForwarding and PermitOpen in its sshd_config.' });
    case 2: // SSH_OPEN_CONNECT_FAILED
      return new ZapError('host/refused', `A connection to ${to} from ${target.name} was refused.`, options);
  }
  if (/unable to (?:exec|start)|request failed/i.test(error.message)) return new ZapError('host/request-refused', `${target.name} refuses to start programs for "${target.user}".`, options);
  return new ZapError('host/connection-lost', `The connection to ${target.name} ended.`, options);
}

function timeout(target: SshTarget, where: string, timeoutMs: number, options: object): ZapError {
  return new ZapError('host/timeout', `${target.name} (${where}) did not answer within ${timeoutMs / 1000} s.`, { ...options, hint: 'Check the network, and that the host is up.' });
}
