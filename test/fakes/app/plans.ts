/** Plans of a world's PODs: another architecture is a blocker, another clock a warning, a host that is away is unknown or impossible. */
import type { FindingView, Host, Plan, PodView } from '../../../main/contract';

export function planFor(pod: PodView, host: Host): Plan {
  const findings = findingsFor(host);
  const isLive = pod.state.kind === 'running';
  const hasBlocker = findings.some(({ severity }) => severity === 'blocker');
  const hasWarning = findings.some(({ severity }) => severity === 'warning');
  const verdict = pod.host === host.name ? 'same' : hasBlocker ? 'impossible' : host.connection.kind === 'idle' ? 'unknown' : hasWarning ? 'warnings' : 'ready';
  return {
    pod: pod.id,
    from: pod.host,
    to: host.name,
    verdict,
    mode: isLive ? 'live' : 'stored',
    needsEnvironment: false,
    predictedBytes: { memory: 148e6, layer: 32e6, environment: 0 },
    predictedDowntimeMs: isLive ? 310 : 0,
    findings: verdict === 'same' ? [] : findings,
    isExact: false,
  };
}

function findingsFor(host: Host): FindingView[] {
  if (host.connection.kind === 'failed') return [{ id: 'target/not-reachable', severity: 'blocker', message: `${host.name} cannot be reached.` }];
  if (host.facts?.arch === 'aarch64') return [{ id: 'move/arch-differs', severity: 'blocker', message: `${host.name} is aarch64: programs cannot change their processor’s architecture.` }];
  if (host.name === 'node-03' || host.name === 'warned') return [{ id: 'move/clocks-differ', severity: 'warning', message: `The clock of ${host.name} is 4.2 s ahead: the time of day will jump for the POD’s programs.`, hint: 'Let both hosts keep their time by NTP.' }];
  return [];
}
