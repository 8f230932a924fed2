/** What this host is and has, asked of the kernel and not inferred from versions. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, hostname, loadavg, release, totalmem } from 'node:os';
import type { Facts } from '../protocol/contract';
import type { Finding } from '../protocol/model';
import { ZapError } from '../protocol/errors';
import { findCriu, formatVersion } from '../criu/features';
import { hostAddresses } from '../network/uplink';
import { stateRoot } from '../pod/paths';
import { limitControllers } from '../system/cgroup';
import { bootId } from '../system/process';
import { examine } from './doctor';

/** Below this a host cannot take a POD; below the second it soon cannot. */
const scarce = { disk: { blockerBytes: 256 * 2 ** 20, warningBytes: 2 * 2 ** 30 }, memory: { blockerBytes: 64 * 2 ** 20, warningBytes: 512 * 2 ** 20 } };

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
  const findings = await examine();
  const criu = await criuOrFinding(findings);
  const [freeMemory, freeDisk] = [memoryFreeBytes(), diskFreeBytes()];
  findings.push(...scarcity('disk', 'room under /var/lib/zap', freeDisk), ...scarcity('memory', 'memory', freeMemory));
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
    memoryFreeBytes: freeMemory,
    diskFreeBytes: freeDisk,
    clockMs: Date.now(),
    criu,
    addresses: await hostAddresses(),
    limitControllers: limitControllers(),
    findings,
  };
}

export function scarcity(id: keyof typeof scarce, what: string, freeBytes: number): Finding[] {
  const { blockerBytes, warningBytes } = scarce[id];
  if (freeBytes >= warningBytes) return [];
  return [{ id: `scarce/${id}`, severity: freeBytes < blockerBytes ? 'blocker' : 'warning', message: `The host has little ${what} left: ${Math.round(freeBytes / 2 ** 20)} MiB.`, hint: `Free some; PODs need some hundred MiB.`, data: { freeBytes } }];
}

export async function criuOrFinding(findings: Finding[]): Promise<{ path: string; version: string } | null> {
  try {
    const { binary, version, remarks } = await findCriu();
    findings.push(...remarks.map((message): Finding => ({ id: 'criu-choice', severity: 'note', message })));
    return { path: binary, version: formatVersion(version) };
  } catch (thrown) {
    const error = ZapError.from(thrown);
    findings.push({ id: 'criu-unusable', severity: 'blocker', message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    return null;
  }
}
