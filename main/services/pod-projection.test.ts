import { describe, expect, it } from 'vitest';
import type { PodView, Task } from '../contract';
import type { Pod } from '../pods/locate';
import { projectPods, type ProjectionInput } from './pod-projection';

const id = '0123456789ab';
const pod = (state: Pod['state'], over: Partial<Pod> = {}): Pod => ({
  id, name: 'desk', state, environment: { digest: `sha256:${'0'.repeat(64)}`, name: 'e' }, network: { profile: 'none' }, mac: '02:00:00:00:00:01', limits: {}, hasDisplay: false, owner: 'o', createdAt: 'c', ...over,
});
const running: Pod['state'] = { kind: 'running', since: 's' };
const moving = (role: 'source' | 'target'): Pod['state'] => ({ kind: 'moving', role, transfer: '0123456789abcdef', phase: 'p' });
const move: Task = { id: 't-1', kind: 'pod.move', subject: { pod: id, from: 'alpha', to: 'beta' }, createdAtMs: 1, state: { kind: 'running', progress: { phase: 'p', isCommitted: false } }, canCancel: true, canRepeat: true };
const project = (podsOf: Record<string, Pod[]>, over: Partial<ProjectionInput> = {}): PodView[] => projectPods({ podsOf: new Map(Object.entries(podsOf)), isReady: () => true, atWork: [], before: [], ...over });

describe('projectPods', () => {
  it('shows each POD once, by the copy that stands for it', () => {
    expect(project({ alpha: [pod(moving('source'))], beta: [pod(moving('target'))] })).toMatchObject([{ host: 'alpha' }]);
    expect(project({ alpha: [pod(moving('source'))], beta: [pod(running)] })).toMatchObject([{ host: 'beta', state: { kind: 'running' } }]);
    expect(project({ alpha: [pod(running)], beta: [pod(running, { id: '00000000000f', name: 'other' })] })).toHaveLength(2);
  });

  it('says which task works on it, and where that brings it', () => {
    expect(project({ alpha: [pod(running)] }, { atWork: [move] })).toMatchObject([{ task: 't-1', destination: 'beta' }]);
    expect(project({ alpha: [pod(running)] }, { atWork: [{ ...move, kind: 'pod.clone' }] })[0]).not.toHaveProperty('destination');
    expect(project({ alpha: [pod(running)] })[0]).not.toHaveProperty('task');
  });

  it('keeps what a host said last while it cannot be asked, unless one that answers knows better', () => {
    const isReady = (host: string): boolean => host !== 'alpha';
    expect(project({ alpha: [pod(running)] }, { isReady })).toMatchObject([{ host: 'alpha', isStale: true }]);
    expect(project({ alpha: [pod(running)], beta: [pod(moving('target'))] }, { isReady })).toMatchObject([{ host: 'beta', isStale: false }]);
  });

  it('does not lose one in the moment in which it has left and is not seen there yet', () => {
    const before = project({ alpha: [pod(running)] });
    expect(project({ alpha: [], beta: [] }, { before, atWork: [move] })).toMatchObject([{ host: 'alpha', isStale: true, task: 't-1' }]);
    expect(project({ alpha: [], beta: [] }, { before })).toEqual([]);
    expect(project({ alpha: [] }, { before, atWork: [{ ...move, kind: 'pod.delete' }] })).toEqual([]);
  });
});
