/** What this host is and has, asked of the kernel and not inferred from versions. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, hostname, loadavg, release, totalmem } from 'node:os';
import type { Facts } from '../protocol/contract';
import type { Finding } from '../protocol/model';
import { ZapError } from '../protocol/errors';
import { findCriu, formatVersion } from '../criu/features';
import { hostAddresses } from '../network/uplink';
import { stateRoot } from '../pod/record';
import { limitControllers } from '../system/cgroup';
import { bootId } from '../system/process';
import { run } from '../system/spawn';

const neededPrograms: readonly [program: string, debianPackage: string][] = [
  ['runc', 'runc'],
  ['ip', 'iproute2'],
  ['nsenter', 'util-linux'],
  ['setsid', 'util-linux'],
];

export function cpu(): { model: string; flags: string[] } {
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
  return { model: field('model name') || field('CPU part'), flags: (field('flags') || field('Features')).split(' ').filter(Boolean).sort() };
}

export function memoryFreeBytes(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? freemem() / 1024) * 1024;
}

export function diskFreeBytes(path = stateRoot): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

export async function hostFacts(): Promise<Facts> {
  const findings: Finding[] = [];
  const criu = await criuOrFinding(findings);
  if (criu) for (const message of (await findCriu()).remarks) findings.push({ id: 'criu-choice', severity: 'note', message });
  for (const [program, debianPackage] of neededPrograms) {
    await run(program, ['--version'], { timeoutMs: 5000 }).catch((error: unknown) => {
      if (error instanceof ZapError && error.code === 'system/program-missing') {
        findings.push({ id: 'program-missing', severity: 'blocker', message: `The program "${program}" is not installed.`, hint: `apt-get install ${debianPackage}`, data: { program } });
      }
    });
  }
  const { model, flags } = cpu();
  return {
    hostname: hostname(),
    bootId: bootId(),
    arch: process.arch,
    kernel: release(),
    cpuModel: model,
    cpuFlags: flags,
    cpus: availableParallelism(),
    loadAverage: loadavg()[0] ?? 0,
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: memoryFreeBytes(),
    diskFreeBytes: diskFreeBytes(),
    clockMs: Date.now(),
    criu,
    addresses: await hostAddresses(),
    limitControllers: limitControllers(),
    findings,
  };
}

export async function criuOrFinding(findings: Finding[]): Promise<{ path: string; version: string } | null> {
  try {
    const { binary, version } = await findCriu();
    return { path: binary, version: formatVersion(version) };
  } catch (thrown) {
    const error = ZapError.from(thrown);
    findings.push({ id: 'criu-unusable', severity: 'blocker', message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    return null;
  }
}
