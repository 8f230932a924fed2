import { afterEach, describe, expect, it } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import { until } from '../../test/integration/support/until';
import { wireHelper, wireTransport, type WireHelper } from '../../test/fakes/wire-helper';
import { connectHelper } from './connect';
import { LastingClient, type ClientState } from './lasting-client';

const open: LastingClient[] = [];

afterEach(() => {
  for (const client of open.splice(0)) client[Symbol.dispose]();
});

/** A host on which each connection does as the list says, and then works. */
function host(...failures: ZapError[]): { client: LastingClient; states: ClientState[]; helpers: WireHelper[] } {
  const states: ClientState[] = [];
  const helpers: WireHelper[] = [];
  const client = new LastingClient({
    connect: async (signal) => {
      const failure = failures.shift();
      if (failure) throw failure;
      const helper = wireHelper({});
      helpers.push(helper);
      return connectHelper(wireTransport(() => helper.process), { host: 'alpha', executable: { path: '', sha256: 'a'.repeat(64), sizeBytes: 1 }, isLocal: false, signal });
    },
    onState: (state) => states.push(state),
    firstDelayMs: 8,
    maxDelayMs: 20,
    random: () => 1,
  });
  open.push(client);
  return { client, states, helpers };
}

const refused = (): ZapError => new ZapError('host/refused', 'Refused.');

describe('LastingClient', () => {
  it('tries again, ever more patiently up to a bound, until it is connected', async () => {
    const { client, states } = host(refused(), refused(), refused(), refused());
    await until('a connection', () => client.state.kind === 'ready');
    expect(states.flatMap((state) => (state.kind === 'waiting' ? [state.retryInMs] : []))).toEqual([8, 16, 20, 20]);
  });

  it('connects anew when the connection is lost', async () => {
    const { client, states, helpers } = host();
    await until('a connection', () => client.state.kind === 'ready');
    helpers[0]!.connection.close();
    await until('a second connection', () => helpers.length === 2 && client.state.kind === 'ready');
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'ready', 'waiting', 'connecting', 'ready']);
  });

  it.each(['host/key-mismatch', 'host/auth-failed', 'host/sudo-refused'] as const)('does not knock again after %s, until it is asked to', async (code) => {
    const { client } = host(new ZapError(code, 'No.'));
    await until('the end', () => client.state.kind === 'failed');
    expect(client.state).toMatchObject({ error: { code } });
    client.retry();
    await until('a connection', () => client.state.kind === 'ready');
  });

  it('ends with its connection, and stays ended', async () => {
    const { client, states, helpers } = host();
    await until('a connection', () => client.state.kind === 'ready');
    client[Symbol.dispose]();
    await helpers[0]!.connection.closed;
    client.retry();
    expect(client.state.kind).toBe('closed');
    expect(states.at(-1)?.kind).toBe('closed');
  });

  it('ends while it waits', async () => {
    const { client, helpers } = host(refused(), refused());
    await until('a failure', () => client.state.kind === 'waiting');
    client[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(helpers).toHaveLength(0);
  });
});
