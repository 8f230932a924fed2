/** The target's half of preflight: can this host take the POD? */
import { isInstructionSet } from '../protocol/cpu';
import { ZapError } from '../protocol/errors';
import type { Finding, PodDemand } from '../protocol/model';
import { canFill } from '../criu/userfault-right';
import type { EnvironmentStore } from '../files/environments';
import { podAddress } from '../network/link-plan';
import { answerWithinMs, findUplink, requireSilence } from '../network/uplink';
import { addressHolder, isUidBase } from '../pod/identity';
import { listRecords } from '../pod/record';
import { limitControllers } from '../system/cgroup';
import { cpu, criuOrFinding, diskFreeBytes, memoryFreeBytes } from './facts';

const reserveBytes = 64 * 2 ** 20;
/** From here on what is saved is more than what it costs: by measurement, a restore copies a gigabyte in 0.7 s, and half of that again to allocate it. */
const followsFromBytes = 128 * 2 ** 20;
/** What processes share with those that they were forked from is theirs alone afterwards, if it follows. */
const roomForShares = 1.25;

export async function preflightTarget(demand: PodDemand, environments: EnvironmentStore): Promise<{ findings: Finding[]; needsEnvironment: boolean; memoryFollows: boolean }> {
  const findings: Finding[] = [];
  const block = (id: string, message: string, hint: string, data: Record<string, unknown> = {}): void => void findings.push({ id, severity: 'blocker', message, hint, data });
  const records = listRecords().filter((record) => record.id !== demand.id);
  if (listRecords().length !== records.length) block('already-here', 'This POD is on the target already.', 'Choose another host.');
  if (records.some((record) => record.name === demand.name)) block('name-taken', `A POD named "${demand.name}" exists on the target.`, `Rename one of them: zap pod rename ${demand.name} NEW`, { name: demand.name });
  if (!demand.isClone && records.some((record) => record.uidBase === demand.uidBase)) block('id-range-taken', 'The POD\'s range of user ids belongs to another POD on the target.', 'Move one of the two to a third host.', { uidBase: demand.uidBase });
  if (!isUidBase(demand.uidBase)) block('id-range-invalid', 'The POD\'s user ids are none that a POD may have.', 'Do not trust the host that it comes from.', { uidBase: demand.uidBase });
  if (demand.willRun) {
    await criuOrFinding(findings);
    await checkNetwork(demand, findings);
    const missing = demand.cpuFlags.filter((flag) => isInstructionSet(flag) && !cpu().flags.includes(flag));
    if (missing.length > 0) block('cpu-features', `The target's processor lacks ${missing.join(', ')}, which programs of the POD may be using.`, 'Move it to a host with the same or a newer processor.', { missing });
    if (demand.memoryBytes * 2 + reserveBytes > memoryFreeBytes()) block('target-memory', `The target has too little free memory: ${mebibytes(memoryFreeBytes())} MiB, needed ${mebibytes(demand.memoryBytes * 2 + reserveBytes)} MiB.`, 'Free memory there, or choose another host.');
    const offered = limitControllers();
    for (const [limit, controller] of [['memoryBytes', 'memory'], ['cpus', 'cpu'], ['pids', 'pids']] as const) {
      if (demand.limits[limit] !== undefined && !offered.includes(controller)) block('no-controller', `The target cannot enforce the POD's ${controller} limit.`, `Enable the ${controller} cgroup controller there.`, { controller });
    }
  }
  const needsEnvironment = (await environments.get(demand.environment.digest)) === undefined;
  const needBytes = demand.layerBytes + (needsEnvironment ? demand.environment.sizeBytes : 0) + (demand.willRun ? 0 : demand.memoryBytes) + reserveBytes;
  if (needBytes > diskFreeBytes()) block('target-disk', `The target's disk has too little room: ${mebibytes(diskFreeBytes())} MiB free, needed ${mebibytes(needBytes)} MiB.`, 'Free some space there under /var/lib/zap, or choose another host.', { needBytes });
  if (needsEnvironment) findings.push({ id: 'environment-copied', severity: 'note', message: `The environment "${demand.environment.name}" (${mebibytes(demand.environment.sizeBytes)} MiB) is copied to the target first; the POD runs on meanwhile.` });
  if (demand.network.profile === 'nat') findings.push({ id: 'nat-connections', severity: 'warning', message: 'Connections through the host\'s address translation do not survive the move.', hint: 'With --network lan they would.' });
  return { findings, needsEnvironment, memoryFollows: canMemoryFollow(demand) };
}

/** Whether the POD is to run before all of its memory is in place. */
function canMemoryFollow({ willRun, memoryBytes, limits }: PodDemand): boolean {
  return willRun && memoryBytes >= followsFromBytes && memoryBytes * roomForShares <= (limits.memoryBytes ?? Infinity) && canFill();
}

/** For who asks before anything begins: does another machine have the address by now? One that is awake answers for it itself. */
export async function neighbourFindings({ network, willRun, isClone, isAsleep }: PodDemand): Promise<Finding[]> {
  if (network.profile !== 'lan' || !willRun || !(isClone || isAsleep)) return [];
  try {
    await requireSilence(network.address, { withinMs: answerWithinMs });
    return [];
  } catch (thrown) {
    return [networkBlocker(thrown)];
  }
}

function networkBlocker(thrown: unknown): Finding {
  const { code, message, hint } = ZapError.from(thrown);
  return { id: code.replace(/^network\//, ''), severity: 'blocker', message, ...(hint === undefined ? {} : { hint }) };
}

async function checkNetwork(demand: PodDemand, findings: Finding[]): Promise<void> {
  const holder = addressHolder(demand);
  if (holder) {
    findings.push({ id: 'address-taken', severity: 'blocker', message: `The address ${podAddress(demand.id, demand.network)} belongs to POD "${holder.name}" on the target.`, hint: 'Give one of them another address.' });
  }
  if (demand.network.profile !== 'lan') return;
  try {
    await findUplink(demand.network.address);
  } catch (thrown) {
    findings.push(networkBlocker(thrown));
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

/** For the transfer itself, which trusts no earlier answer: the first blocker as an error. */
export async function requireAcceptable(demand: PodDemand, environments: EnvironmentStore): Promise<{ needsEnvironment: boolean; memoryFollows: boolean }> {
  const { findings, ...answer } = await preflightTarget(demand, environments);
  const blocker = findings.find((finding) => finding.severity === 'blocker');
  if (blocker) throw new ZapError(`preflight/${blocker.id}`, blocker.message, { hint: blocker.hint, data: blocker.data });
  return answer;
}
