/** Joins the stores to the services: listens first, then asks for the snapshot, so that nothing is missed between. */
import type { StateEvent } from '../../main/contract';
import { call, failureOf, listen } from '../bridge/zap';
import { runCommandById } from '../commands/run';
import { watchTasks } from '../tasks/watch-tasks';
import { reveal } from './navigation';
import { addSamples, hostSamples, podSamples } from './samples';
import { addThumbnail, tellWatched } from './thumbnails';
import { applyEvent, fromSnapshot, world } from './world';

const RETRY_MS = 1000;

export function start(): void {
  let early: StateEvent[] = [];
  const load = async (): Promise<void> => {
    try {
      const snapshot = await call('state.snapshot', {});
      const loaded = early.reduce(applyEvent, fromSnapshot(snapshot));
      early = [];
      world.setState(loaded, true);
      podSamples.forget((id) => id in loaded.pods);
      hostSamples.forget((name) => name in loaded.hosts);
    } catch (error) {
      console.error(failureOf(error).message);
      setTimeout(() => void load(), RETRY_MS);
    }
  };
  listen('state', (event) => {
    if (world.getState().isLoaded) world.setState((before) => applyEvent(before, event), true);
    else early.push(event);
  });
  listen('samples', addSamples);
  listen('thumbnail', addThumbnail);
  listen('command', ({ command }) => runCommandById(command));
  listen('reveal', reveal);
  listen('restarted', () => {
    world.setState({ isLoaded: false });
    void load().then(tellWatched);
  });
  document.addEventListener('visibilitychange', tellWatched);
  watchTasks();
  void load();
}
