/**
 * A lab that is up: programs on its hosts, and faults.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { run, type RunOptions, type RunResult } from '../../helper/system/spawn';
import { joinThenExec } from './boot-script';
import { makeHostGroups } from './cgroups';
import { labHost, type LabConfig, type LabHost, type LabPlace } from './config';
import { emptyDisk, fillDisk, skewClock } from './faults';
import { isUp, startHost, stopHost } from './host';
import { findLeftovers } from './leftovers';
import { clearLink, cutLink, joinLink, setLink, type CutDirection, type LinkQuality } from './link-faults';
import { hostsFile } from './network';
import { livePid } from './processes';
import { allowRealTime } from './real-time';

export class Lab {
  readonly hosts: LabHost[];

  constructor(
    readonly place: LabPlace,
    private readonly config: LabConfig,
    private readonly tree: string,
  ) {
    this.hosts = config.hosts.map((name) => labHost(place, config.subnet, name));
  }

  host(name: string): LabHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    if (!host) throw new ZapError('lab/no-such-host', `The lab has no host "${name}".`, { data: { host: name, hosts: this.config.hosts } });
    return host;
  }

  /** Pid, on this machine, of the host's first process. */
  pidOf(hostName: string): number {
    const host = this.host(hostName);
    const pid = isUp(host) ? livePid(host.directory) : undefined;
    if (pid === undefined) throw new ZapError('lab/host-down', `The lab host "${hostName}" is down.`, { data: { host: hostName } });
    return pid;
  }

  /** The host's root directory as this machine sees it. */
  rootOf(hostName: string): string {
    return `/proc/${this.pidOf(hostName)}/root`;
  }

  /** A command of this machine that runs `argv` as root on the host: in all its namespaces and its control groups. */
  async commandOn(hostName: string, argv: readonly string[]): Promise<[program: string, ...args: string[]]> {
    const pid = this.pidOf(hostName);
    const { leaf } = await makeHostGroups(this.place.labId, hostName);
    return ['sh', '-c', joinThenExec, 'lab-exec', ...leaf, '--', 'nsenter', '-t', String(pid), '-C', '-m', '-p', '-u', '-i', '-n', '-r', '-w', '--', ...argv];
  }

  /** Runs a program as root on the host; throws when it fails. */
  async exec(hostName: string, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const [program, ...args] = await this.commandOn(hostName, argv);
    return await run(program, args, options).catch((error: unknown) => {
      if (!(error instanceof ZapError)) throw error;
      const { code, evidence, data } = error;
      throw new ZapError(code, `"${argv.slice(0, 4).join(' ')}" failed on ${hostName}: ${evidence?.at(-1) ?? ''}`, { evidence, data: { ...data, host: hostName, program: argv[0] }, cause: error });
    });
  }

  /** The host loses power: every process dies at once, PODs too; tmpfs contents are lost, its disk stays. */
  async killHost(hostName: string): Promise<void> {
    await stopHost(this.place, this.host(hostName));
  }

  /** Boots a host that is down: same disk (and whatever faults lie on it), address and keys, new boot id, a good cable. */
  async startHost(hostName: string): Promise<void> {
    const host = this.host(hostName);
    await startHost(this.place, this.config, host, this.tree);
    await this.nameHosts(hostName);
  }

  /** Writes the names of all hosts of the lab into one host's /etc/hosts. */
  async nameHosts(hostName: string): Promise<void> {
    await writeFile(join(this.rootOf(hostName), 'etc/hosts'), hostsFile(this.hosts));
  }

  /** Makes the host's cable worse, in both directions alike: a delay of 10 ms adds 20 ms to a round trip. Replaces what was set before. */
  async setLink(hostName: string, quality: LinkQuality): Promise<void> {
    await setLink(this.place, this.host(hostName), this.pidOf(hostName), quality);
  }

  async clearLink(hostName: string): Promise<void> {
    await clearLink(this.place, this.host(hostName), this.pidOf(hostName));
  }

  /** Drops what goes to the host (`in`), comes from it (`out`) or both, silently: no interface goes down. */
  async cutLink(hostName: string, direction: CutDirection = 'both'): Promise<void> {
    await cutLink(this.host(hostName), direction);
  }

  async joinLink(hostName: string): Promise<void> {
    await joinLink(this.host(hostName));
  }

  /** Fills the host's /var/lib/zap until `leaveBytes` are free. */
  async fillDisk(hostName: string, leaveBytes: number): Promise<void> {
    await fillDisk(this, hostName, leaveBytes);
  }

  async emptyDisk(hostName: string): Promise<void> {
    await emptyDisk(this, hostName);
  }

  /** Lets programs of the hosts go before all others, as those of most machines may; throws where this machine does not allow it. */
  async allowRealTime(): Promise<void> {
    await allowRealTime(this.place.labId, this.config.hosts);
  }

  /** Shifts the clocks of programs that start from now on (not of running or static ones); 0 puts them right again. */
  async skewClock(hostName: string, seconds: number): Promise<void> {
    await skewClock(this, hostName, seconds);
  }

  /** What of this lab is on the machine right now; empty after labDown. */
  async leftovers(): Promise<string[]> {
    return await findLeftovers(this.place);
  }
}
