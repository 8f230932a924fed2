/** The source's half of preflight: what the POD is, what it needs, and what in it cannot be checkpointed. */
import { ZapError } from '../protocol/errors';
import { modelFreezeMs } from '../protocol/freeze-model';
import type { Finding, PodDemand, Usage } from '../protocol/model';
import { fillingBytes } from '../criu/filling';
import { inspectTree } from '../criu/inspect';
import type { EnvironmentStore } from '../files/environments';
import { treeSize } from '../files/tree-size';
import { podAddress } from '../network/link-plan';
import { hasClients, runningCommands } from '../pod/clients';
import { podPaths } from '../pod/paths';
import { isRunning, observe, type PodRecord } from '../pod/record';
import { cpuSeconds } from '../system/cgroup';
import { namespaceMembers } from '../system/process';
import { cpuUse, type CpuUse } from './cpu-use';
import { cpu, criuOrFinding, diskFreeBytes, memoryFreeBytes } from './facts';

export async function usageOf(record: PodRecord, members = namespaceMembers): Promise<{ usage: Usage; findings: Finding[] }> {
  const layer = await treeSize(podPaths(record.id).layer);
  const inside = isRunning(record) ? inspectTree(record.state.init.pid, members) : undefined;
  return {
    usage: {
      processes: inside?.totals.processes ?? 0,
      threads: inside?.totals.threads ?? 0,
      memoryBytes: inside ? Math.max(inside.totals.memoryBytes, fillingBytes(podPaths(record.id).filling)) : (record.state.kind === 'suspended' ? record.state.sizeBytes : 0),
      layerBytes: layer.bytes,
      layerFiles: layer.files,
      tcpConnections: inside?.totals.tcpConnections ?? 0,
      cpuSeconds: cpuSeconds(record.id),
    },
    findings: (inside?.findings ?? []).filter((finding) => !isOfClients(finding) || !hasClients(record)),
  };
}

/**
 * Whether terminals' clients and commands run by `exec` explain it: they are processes from outside, and the POD's tmux server holds the terminals that
 * its clients came from. Clients let go before the freeze, which looks again; commands are named by a finding of their own.
 */
function isOfClients({ id, data }: Finding): boolean {
  return id === 'criu/process-from-outside' || (id === 'criu/file-outside-pod' && /^\/dev\/pts\/\d+$/.test(String(data?.['target'])));
}

/** Of a POD that does not run nobody knows what its programs use. */
export async function cpuUseOf(record: PodRecord, flags: readonly string[]): Promise<CpuUse[]> {
  return isRunning(record) ? await cpuUse(record.state.init.pid, flags) : flags.map((flag) => ({ flag, programs: [] }));
}

export interface HowItGoes {
  isClone: boolean;
  willRun: boolean;
  /** Features of this processor that the target's lacks: demanded only if a program uses them. */
  absentCpuFlags?: readonly string[] | undefined;
}

export async function demandOf(record: PodRecord, environments: EnvironmentStore, { absentCpuFlags = [], ...how }: HowItGoes): Promise<{ demand: PodDemand; findings: Finding[]; usage: Usage }> {
  const environment = await environments.get(record.environment.digest);
  if (!environment) throw new ZapError('environment/unknown', `The environment of POD "${record.name}" (${record.environment.name}) is not on its host any more.`, { hint: 'Bring it back with: zap env build' });
  const { usage, findings } = await usageOf(record);
  const address = podAddress(record.id, record.network);
  const used = absentCpuFlags.length === 0 ? [] : (await cpuUseOf(record, absentCpuFlags)).map(({ flag }) => flag);
  const unused = absentCpuFlags.filter((flag) => !used.includes(flag));
  return {
    usage,
    findings,
    demand: {
      id: record.id,
      name: record.name,
      environment: { digest: record.environment.digest, name: record.environment.name, sizeBytes: environment.sizeBytes },
      network: record.network,
      ...(address === undefined ? {} : { address }),
      mac: record.mac,
      uidBase: record.uidBase,
      limits: record.limits,
      memoryBytes: usage.memoryBytes,
      layerBytes: usage.layerBytes,
      cpuFlags: cpu().flags.filter((flag) => !unused.includes(flag)),
      ...how,
    },
  };
}

export async function preflightSource(record: PodRecord, environments: EnvironmentStore, willRun: boolean): Promise<{ demand: PodDemand; findings: Finding[]; predictedFreezeMs: number }> {
  const { demand, findings, usage } = await demandOf(record, environments, { isClone: false, willRun });
  const state = observe(record);
  if (state.kind !== 'running' && state.kind !== 'suspended') {
    findings.push({ id: 'pod-state', severity: 'blocker', message: `The POD is ${state.kind}.`, hint: 'Only a running or a suspended POD can be moved.' });
  }
  if (state.kind === 'running') {
    await criuOrFinding(findings);
    const commands = runningCommands(record);
    if (commands.length > 0) {
      findings.push({ id: 'exec-running', severity: 'blocker', message: `Commands started with "zap pod exec" still run in it: ${commands.join(', ')}.`, hint: 'Let them end, or start such commands with --detach.' });
    }
    if (usage.memoryBytes > memoryFreeBytes()) {
      findings.push({ id: 'source-memory', severity: 'blocker', message: 'The host has less free memory than the checkpoint needs.', hint: 'Free memory on the source.', data: { needBytes: usage.memoryBytes } });
    }
  }
  if (diskFreeBytes() < 16 << 20) findings.push({ id: 'source-disk', severity: 'warning', message: 'The disk of the source is full. Should that keep the POD from leaving, it runs on there.', hint: 'Free some space under /var/lib/zap.' });
  const predictedFreezeMs = state.kind === 'running' ? modelFreezeMs(usage) : 0;
  return { demand: { ...demand, isAsleep: state.kind === 'suspended' }, findings, predictedFreezeMs: Math.round(predictedFreezeMs) };
}
