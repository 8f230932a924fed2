/** Put into a window before its own scripts: the bridge with the fake behind it, and the fake for tests to steer. */
import './no-eval';
import { FakeBackend } from './backend';
import { demoWorld, emptyWorld, largeWorld } from './worlds';

declare global {
  interface Window {
    fake: FakeBackend;
  }
}

const wanted = new URLSearchParams(window.location.search).get('world') ?? window.sessionStorage.getItem('fake.world') ?? 'demo';
const worlds: Record<string, () => ConstructorParameters<typeof FakeBackend>[0]> = { demo: demoWorld, empty: emptyWorld, large: () => largeWorld(50, 500) };
const backend = new FakeBackend((worlds[wanted] ?? demoWorld)());
window.fake = backend;
Object.defineProperty(window, 'zap', { value: { call: backend.call.bind(backend), listen: backend.listen.bind(backend), connect: backend.connect.bind(backend) } });

const pictureSoon = new URLSearchParams(window.location.search).has('live');
if (pictureSoon) {
  let tick = 0;
  setInterval(() => {
    tick++;
    const atMs = Date.now();
    backend.tell('samples', {
      pods: backend.state.pods.filter(({ state }) => state.kind === 'running').map(({ id }, index) => ({ pod: id, atMs, cpuShare: Math.abs(Math.sin(tick / 9 + index)) * (0.15 + (index % 4) / 5), memoryBytes: (120 + 30 * Math.sin(tick / 20 + index) + index * 9) * 1e6, layerBytes: 22e6, processes: 12, connections: 2 })),
      hosts: backend.state.hosts.filter(({ connection }) => connection.kind === 'ready').map(({ name }, index) => ({ host: name, atMs, loadAverage: 1.2 + Math.sin(tick / 7 + index), memoryFreeBytes: 41e9 - index * 6e9 })),
    });
  }, 100);
}
