import { beforeEach, describe, expect, it } from 'vitest';
import { commandIds } from '../../main/contract/commands';
import { demoWorld } from '../../test/fakes/app/worlds';
import { fromSnapshot, world } from '../state/world';
import { applies, contextOf } from './run';
import { search, type Entry } from './palette';

beforeEach(() => world.setState(fromSnapshot(demoWorld()), true));

const podNamed = (name: string): string => Object.values(world.getState().pods).find((pod) => pod.name === name)!.id;
const offered = (...names: string[]): string[] => {
  const context = contextOf({ pods: names.map(podNamed) });
  return commandIds.filter((id) => id.startsWith('pod.') && id !== 'pod.create' && applies(id, context));
};

describe('what is offered', () => {
  it('fits the state of the POD', () => {
    expect(offered('research')).toEqual(['pod.open', 'pod.desktop', 'pod.terminal', 'pod.move', 'pod.move-back', 'pod.suspend', 'pod.clone', 'pod.rename', 'pod.log', 'pod.delete']);
    expect(offered('archive')).toEqual(['pod.open', 'pod.terminal', 'pod.move', 'pod.resume', 'pod.clone', 'pod.rename', 'pod.log', 'pod.delete']);
    expect(offered('parser')).toEqual(['pod.open', 'pod.terminal', 'pod.rename', 'pod.log', 'pod.recover-here', 'pod.discard-here', 'pod.delete']);
  });

  it('is nothing that changes a POD whose host cannot be asked', () => expect(offered('ledger')).toEqual(['pod.open', 'pod.terminal', 'pod.log']));

  it('fits all of several', () => {
    expect(offered('research', 'mail')).toEqual(['pod.move', 'pod.suspend', 'pod.delete']);
    expect(offered('research', 'archive')).toEqual(['pod.move', 'pod.delete']);
    expect(offered('research', 'parser')).toEqual(['pod.delete']);
  });

  it('leaves a POD alone that something works on', () => {
    const id = podNamed('mail');
    world.setState(({ pods }) => ({ pods: { ...pods, [id]: { ...pods[id]!, task: 'task-1' } } }));
    expect(offered('mail')).toEqual(['pod.open', 'pod.terminal', 'pod.log']);
  });

  it('never removes this computer', () => {
    expect(applies('host.remove', contextOf({ host: 'local' }))).toBe(false);
    expect(applies('host.remove', contextOf({ host: 'alpha' }))).toBe(true);
    expect(applies('host.connect', contextOf({ host: 'delta' }))).toBe(true);
    expect(applies('host.connect', contextOf({ host: 'alpha' }))).toBe(false);
  });
});

it('finds by parts of names, the best first', () => {
  const entries = ['Open desktop', 'Open terminal', 'Keyboard shortcuts', 'research', 'Zurückziehen'].map((label): Entry => ({ id: label, label, detail: '', icon: undefined as never, run: () => {} }));
  const found = (needle: string): string[] => search(entries, needle).map(({ label }) => label);
  expect(found('term')).toEqual(['Open terminal']);
  expect(found('open')).toEqual(['Open desktop', 'Open terminal']);
  expect(found('zurück')).toEqual(['Zurückziehen']);
  expect(found('qqq')).toEqual([]);
  expect(found('')).toHaveLength(5);
});
