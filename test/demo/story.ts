/** The demo's acts, in order. Each does what it says with the `zap` command, and asks inside the POD whether it is true. */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { formatBytes, formatMs, formatTable } from '../../main/cli/format';
import type { MoveReport } from '../../main/moves/coordinator';
import { longestPauseMs, type CounterState } from './counter';
import { askCounter, countPast, openWindows } from './desk';
import { dragInApp, hasDisplay, openApp } from './in-the-app';
import { act, fact, say, typed } from './narrator';
import type { ZapCommand } from './zap-command';

export const podNames = ['desk', 'desk-copy'] as const;

interface LabStatus {
  isUp: boolean;
  subnet: string;
  hosts: { name: string; address: string }[];
}

interface PodLine {
  name: string;
  host: string;
  id: string;
  state: { kind: string };
}

/** One line of the table at the end. */
interface Measurement {
  what: string;
  pauseMs: number | undefined;
  totalMs: number;
}

export class Story {
  private readonly measured: Measurement[] = [];
  private subnet = '';
  private screenshots = 0;

  constructor(
    private readonly zap: ZapCommand,
    private readonly signal?: AbortSignal,
  ) {}

  async tell(): Promise<void> {
    await this.startLab();
    await this.createDesk();
    await this.moveTo('beta', 'The desktop moves to beta while it runs');
    await this.moveTo('alpha', 'And back again');
    await this.suspendAndResume();
    await this.cloneRunning();
    await this.moveInApp();
    this.sumUp();
  }

  private async startLab(): Promise<void> {
    act('Two computers');
    typed('lab up');
    await this.zap.shown('lab', 'up');
    const { hosts, subnet } = await this.zap.json<LabStatus>('lab', 'status');
    this.subnet = subnet;
    say('The lab stands in for two computers: each of these has its own processes, disk, network address and SSH server, and Zap reaches it as it would reach any Linux machine.');
    for (const { name, address } of hosts) fact(name, address);
    await removePods(this.zap);
  }

  private async createDesk(): Promise<void> {
    act('A desktop on alpha');
    if (!(await hasDesktop(this.zap))) {
      say('An environment is what a POD starts from: here Debian with a light desktop. It is built once, which takes some minutes.');
      typed('env build desktop --host local');
      await this.zap.shown('env', 'build', 'desktop', '--host', 'local');
    }
    const create = ['pod', 'create', 'desk', '--host', 'alpha', '--env', 'desktop', '--network', `lan:${this.subnet}.10/24`];
    typed(create.join(' '));
    await this.zap.json(...create);
    await openWindows(this.zap, 'desk');
    say('A POD is a whole session that can travel: processes, memory, files, terminals, screen and network address. On this one are a clock and a terminal in which a program counts.');
    factCounter('inside', await countPast(this.zap, 'desk', 8));
    await this.screenshot('desk', 'alpha');
  }

  private async moveTo(host: string, heading: string): Promise<void> {
    act(heading);
    const before = await askCounter(this.zap, 'desk');
    const startedMs = Date.now();
    typed(`pod move desk ${host}`);
    const report = await this.zap.json<MoveReport>('pod', 'move', 'desk', host);
    const after = await countPast(this.zap, 'desk', before.count);
    requireSame(before, after);
    const pauseMs = longestPauseMs(after, startedMs);
    factCounter('before', before);
    factCounter('after', after);
    say('The same process, with the same id, counts on: it was not started again. All that was copied is what makes up the session.');
    fact('stood still', `${formatMs(report.downtimeMs)} (as the program noticed: ${noticed(pauseMs)})`);
    fact('sent', `${formatBytes(report.bytes.memory)} of memory, ${formatBytes(report.bytes.layer)} of its own files`);
    this.measured.push({ what: `move to ${host}`, pauseMs: report.downtimeMs, totalMs: report.totalMs });
    await this.screenshot('desk', host);
  }

  private async suspendAndResume(): Promise<void> {
    act('Put away, and taken out on the other computer');
    const before = await askCounter(this.zap, 'desk');
    const suspendedMs = Date.now();
    typed('pod suspend desk');
    const suspended = await this.zap.json<{ frozenMs: number; sizeBytes: number }>('pod', 'suspend', 'desk');
    say('Nothing of it runs any more, anywhere: the session is a file. It could stay that for a month.');
    fact('its size', formatBytes(suspended.sizeBytes));
    this.measured.push({ what: 'suspend', pauseMs: undefined, totalMs: suspended.frozenMs });
    await delay(2000);
    typed('pod resume desk --host beta');
    const report = await this.zap.json<MoveReport>('pod', 'resume', 'desk', '--host', 'beta');
    this.measured.push({ what: 'resume on beta', pauseMs: undefined, totalMs: report.totalMs });
    const after = await countPast(this.zap, 'desk', before.count);
    requireSame(before, after);
    factCounter('before', before);
    factCounter('after', after);
    fact('slept', `${noticed(longestPauseMs(after, suspendedMs))}, as the program noticed`);
    await this.screenshot('desk', 'beta');
  }

  private async cloneRunning(): Promise<void> {
    act('Two of it: a copy of the running desktop');
    const before = await askCounter(this.zap, 'desk');
    const startedMs = Date.now();
    const clone = ['pod', 'clone', 'desk', 'desk-copy', '--host', 'alpha', '--network', `lan:${this.subnet}.11/24`];
    typed(clone.join(' '));
    const report = await this.zap.json<MoveReport>(...clone);
    const [original, copy] = await Promise.all([countPast(this.zap, 'desk', before.count), countPast(this.zap, 'desk-copy', before.count)]);
    requireSame(before, original);
    requireSame({ ...before, hostName: 'desk-copy' }, copy);
    const pauseMs = longestPauseMs(original, startedMs);
    say('Both count on from the same number, each on its own computer, under its own name and address.');
    factCounter('the original', original);
    factCounter('the copy', copy);
    fact('stood still', `${noticed(pauseMs)}, the original meanwhile`);
    this.measured.push({ what: 'clone to alpha', pauseMs, totalMs: report.totalMs });
    await this.screenshot('desk-copy', 'copy');
  }

  private async moveInApp(): Promise<void> {
    act('The same with the mouse');
    typed('pod move desk alpha');
    await this.zap.json('pod', 'move', 'desk', 'alpha');
    if (hasDisplay()) {
      openApp();
      return say('The app opens on the lab. Each computer is a column, each desktop a card: drag desk from alpha to beta.');
    }
    const before = await askCounter(this.zap, 'desk');
    say('There is no display here, so the app runs on one that nobody sees, and desk is dragged from alpha to beta by its mouse.');
    const { pictures, downtimeMs, totalMs } = await dragInApp('desk', 'alpha', 'beta', this.signal);
    const after = await countPast(this.zap, 'desk', before.count);
    requireSame(before, after);
    fact('stood still', formatMs(downtimeMs));
    for (const picture of pictures) fact('the app', picture);
    this.measured.push({ what: 'dragged to beta', pauseMs: downtimeMs, totalMs });
  }

  private sumUp(): void {
    act('What it took');
    const rows = this.measured.map(({ what, pauseMs, totalMs }) => [what, pauseMs === undefined ? '' : formatMs(pauseMs), formatMs(totalMs)]);
    for (const line of formatTable(['', 'STOOD STILL', 'IN ALL'], rows, { numeric: [1, 2] }).split('\n')) console.log(`     ${line}`);
  }

  private async screenshot(pod: string, what: string): Promise<void> {
    const file = `demo-${++this.screenshots}-${what}.png`;
    await this.zap.json('pod', 'screenshot', pod, file);
    fact('its screen', file);
  }
}

/** The lab's hosts are the demo's playground: PODs of these names there are left from an earlier run. */
export async function removePods(zap: ZapCommand): Promise<void> {
  const { hosts } = await zap.json<LabStatus>('lab', 'status');
  const { pods } = await zap.json<{ pods: PodLine[] }>('pod', 'list');
  for (const pod of pods) {
    if (!hosts.some(({ name }) => name === pod.host) || !podNames.some((name) => name === pod.name)) continue;
    fact('removed', `${pod.name}, left on ${pod.host} from an earlier run`);
    await zap.json('pod', 'delete', pod.id, '--yes');
  }
}

export async function isLabUp(zap: ZapCommand): Promise<boolean> {
  return (await zap.json<LabStatus>('lab', 'status')).isUp;
}

async function hasDesktop(zap: ZapCommand): Promise<boolean> {
  const { environments } = await zap.json<{ environments: { names: string[] }[] }>('env', 'list', '--host', 'local');
  return environments.some(({ names }) => names.includes('desktop'));
}

function factCounter(label: string, { hostName, pid, count }: CounterState): void {
  fact(label, `host name ${hostName}, pid ${pid}, count ${count}`);
}

/** What the demo is to show, it also checks. */
function requireSame(before: CounterState, after: CounterState): void {
  if (before.pid === after.pid && before.hostName === after.hostName && after.count > before.count) return;
  throw new ZapError('pod/not-the-same', `The program that counts is not the same as before: it was pid ${before.pid} at ${before.count}, and is pid ${after.pid} at ${after.count}.`);
}

function noticed(pauseMs: number | undefined): string {
  return pauseMs === undefined ? 'nothing' : formatMs(pauseMs);
}
