import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultSettings, StateEvent, type EventData, type PodView } from '../contract';
import { StateStore } from './state-store';

const pod = (id: string, name = 'desk'): PodView => ({
  id, name, host: 'alpha', isStale: false, state: { kind: 'running', since: 's' }, environment: { digest: `sha256:${'0'.repeat(64)}`, name: 'e' }, network: { profile: 'none' }, mac: '02:00:00:00:00:01', limits: {}, hasDisplay: false, owner: 'o', createdAt: 'c',
});
const [first, second] = ['000000000001', '000000000002'];
let events: EventData<'state'>[];
let store: StateStore;

beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  store = new StateStore(defaultSettings, [], { version: '1', platform: 'linux', canRememberSecrets: false }, (event) => events.push(StateEvent.parse(event)));
});
afterEach(() => vi.useRealTimers());

describe('StateStore', () => {
  it('tells changes of a moment together, the last of each thing, and nothing that is as it was', () => {
    store.putPod(pod(first));
    store.putPod(pod(second));
    store.putPod(pod(first, 'renamed'));
    vi.runAllTimers();
    expect(events).toHaveLength(1);
    expect(events[0]!.changes.map((change) => (change.kind === 'pod' ? change.pod.name : change.kind))).toEqual(['desk', 'renamed']);
    store.putPod(pod(second));
    vi.runAllTimers();
    expect(events).toHaveLength(1);
  });

  it('gives a snapshot after which no older change follows', () => {
    store.putPod(pod(first));
    const { revision, pods } = store.snapshot();
    expect(pods.map(({ id }) => id)).toEqual([first]);
    expect(events.map((event) => event.revision)).toEqual([revision]);
    store.dropPod(first);
    vi.runAllTimers();
    expect(events.at(-1)).toEqual({ revision: revision + 1, changes: [{ kind: 'pod-gone', pod: first }] });
    expect(store.snapshot()).toMatchObject({ revision: revision + 1, pods: [] });
  });

  it('ends with the same as a client that follows it', () => {
    const known = new Map(store.snapshot().pods.map((one) => [one.id, one]));
    for (let step = 0; step < 50; step++) {
      const id = step % 3 === 0 ? first : second;
      if (step % 4 === 3) store.dropPod(id);
      else store.putPod(pod(id, `p${step}`));
      if (step % 5 === 0) vi.runAllTimers();
    }
    vi.runAllTimers();
    for (const change of events.flatMap(({ changes }) => changes)) {
      if (change.kind === 'pod') known.set(change.pod.id, change.pod);
      if (change.kind === 'pod-gone') known.delete(change.pod);
    }
    expect([...known.values()].sort((a, b) => a.id.localeCompare(b.id))).toEqual(store.snapshot().pods.sort((a, b) => a.id.localeCompare(b.id)));
  });
});
