/** How long it takes to ask two connected hosts for their PODs. */
import { listPods } from '../../main/pods/locate';
import type { BenchLab, Host } from './bench-lab';
import { figure, type Figure } from './figures';
import { progress } from './progress';

const hosts: Host[] = ['alpha', 'beta'];

export async function benchPodList(lab: BenchLab, runs: number): Promise<Figure[]> {
  progress('pod-list: starting');
  const names = hosts.map((host) => `bench-list-${host}`);
  try {
    for (const host of hosts) await lab.createPod(`bench-list-${host}`, { host, environment: 'desktop', command: ['sleep', 'infinity'] });
    const timesMs: number[] = [];
    for (let run = 0; run < runs; run++) {
      const startedMs = performance.now();
      const { pods, failures } = await listPods(lab.fleet, { hosts, signal: lab.signal });
      timesMs.push(performance.now() - startedMs);
      if (failures.length > 0 || pods.length < names.length) throw new Error(`Asked for their PODs, the hosts named ${pods.length}, and ${failures.length} did not answer.`);
    }
    return [figure('pod-list', 'ms', timesMs)];
  } finally {
    if (!lab.signal.aborted) for (const name of names) await lab.deletePod(name);
  }
}
