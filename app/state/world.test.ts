import { beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings as settingsOfContract } from '../../main/contract';
import { demoWorld, doneMove, makeHost, makePod, snapshotOf } from '../../test/fakes/app/worlds';
import { defaultSettings } from './default-settings';
import { lastMoveOf, selectActiveTasks, selectArrivals, selectHostNames, selectPodsByHost } from './selectors';
import { applyEvent, emptyWorld, fromSnapshot } from './world';

const alpha = makeHost('alpha');
const beta = makeHost('beta');
const pods = [makePod(1, 'web', 'alpha'), makePod(2, 'app', 'alpha'), makePod(3, 'mail', 'beta')];
let before = emptyWorld;

beforeEach(() => {
  before = fromSnapshot(snapshotOf({ revision: 7, hosts: [beta, alpha, makeHost('local', { isLocal: true })], pods }));
});

describe('the world', () => {
  it('has the contract’s defaults until it is told', () => expect(defaultSettings).toEqual(settingsOfContract));

  it('drops what is not newer than the snapshot', () => {
    expect(applyEvent(before, { revision: 7, changes: [{ kind: 'pod-gone', pod: pods[0]!.id }] })).toBe(before);
  });

  it('applies every kind of change', () => {
    const after = applyEvent(before, {
      revision: 8,
      changes: [
        { kind: 'pod', pod: { ...pods[0]!, name: 'www' } },
        { kind: 'pod-gone', pod: pods[1]!.id },
        { kind: 'host-gone', host: 'beta' },
        { kind: 'host', host: makeHost('gamma') },
        { kind: 'task', task: doneMove(pods[0]!, 'beta') },
        { kind: 'prompt', prompt: { kind: 'text', id: 'p', question: 'Code?' } },
        { kind: 'suggestions', suggestions: [{ alias: 'x', address: 'x:22', jumps: [] }] },
        { kind: 'settings', settings: { ...defaultSettings, theme: 'dark' } },
      ],
    });
    expect(after.pods[pods[0]!.id]?.name).toBe('www');
    expect(Object.keys(after.pods)).toHaveLength(2);
    expect(Object.keys(after.hosts).sort()).toEqual(['alpha', 'gamma', 'local']);
    expect(Object.keys(after.tasks)).toEqual(['move-web']);
    expect([after.prompts.length, after.suggestions.length, after.settings.theme, after.revision]).toEqual([1, 1, 'dark', 8]);
    expect(applyEvent(after, { revision: 9, changes: [{ kind: 'prompt-gone', prompt: 'p' }, { kind: 'task-gone', task: 'move-web' }] })).toMatchObject({ prompts: [], tasks: {} });
  });

  it('leaves alone what did not change, so that nothing of it is shown anew', () => {
    const after = applyEvent(before, { revision: 8, changes: [{ kind: 'pod', pod: { ...pods[0]!, limits: { cpus: 2 } } }] });
    expect(after.hosts).toBe(before.hosts);
    expect(after.pods[pods[2]!.id]).toBe(before.pods[pods[2]!.id]);
    expect(before.pods[pods[0]!.id]?.limits).toEqual({});
  });
});

describe('selectors', () => {
  it('put remote hosts first, by name', () => expect(selectHostNames(before)).toEqual(['alpha', 'beta', 'local']));

  it('give the same lists as before while PODs stay where they are', () => {
    const lists = selectPodsByHost(before);
    expect(lists['alpha']?.map(({ name }) => name)).toEqual(['app', 'web']);
    const busy = applyEvent(before, { revision: 8, changes: [{ kind: 'pod', pod: { ...pods[0]!, limits: { cpus: 1 } } }] });
    expect(selectPodsByHost(busy)['alpha']).toBe(lists['alpha']);
    const moved = applyEvent(busy, { revision: 9, changes: [{ kind: 'pod', pod: { ...pods[0]!, host: 'beta' } }] });
    expect(selectPodsByHost(moved)['beta']?.map(({ name }) => name)).toEqual(['mail', 'web']);
    const renamed = applyEvent(moved, { revision: 10, changes: [{ kind: 'pod', pod: { ...pods[2]!, name: 'post' } }] });
    expect(selectPodsByHost(renamed)['beta']?.map(({ name }) => name)).toEqual(['post', 'web']);
    expect(selectPodsByHost(renamed)['alpha']).toBe(selectPodsByHost(moved)['alpha']);
  });

  it('know who is arriving where', () => {
    const going = applyEvent(before, { revision: 8, changes: [{ kind: 'pod', pod: { ...pods[0]!, destination: 'beta' } }] });
    expect(selectArrivals(going)).toEqual({ beta: [pods[0]!.id] });
  });

  it('know the move that can be taken back, until the POD is elsewhere', () => {
    const world = fromSnapshot(demoWorld());
    const research = Object.values(world.pods).find(({ name }) => name === 'research')!;
    expect(lastMoveOf(world, research.id)?.subject.from).toBe('beta');
    expect(selectActiveTasks(world)).toEqual([]);
    const away = applyEvent(world, { revision: 2, changes: [{ kind: 'pod', pod: { ...research, host: 'gamma' } }] });
    expect(lastMoveOf(away, research.id)).toBeUndefined();
  });
});
