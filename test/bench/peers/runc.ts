/** `runc checkpoint`, tar through a connection, `runc restore`: what its manual offers. */
import type { Lab } from '../../lab';
import type { Host } from '../bench-lab';
import type { ExecOptions } from '../scenarios';
import { bundleDirectory, placeBundle, removeBundle, writeLayer, type Bundle } from './bundle';
import { copyBetween } from './copy';
import { filesOf, runDirectory } from './files';
import { timed, withLogs, type Container, type ContainerRequest, type Peer, type PeerSteps } from './peer';

const timeoutMs = 120_000;
/** What it has no flags for is in /etc/criu/runc.conf. */
const flags = ['--tcp-established', '--file-locks', '--ext-unix-sk', '--empty-ns', 'network'];

export const runcPeer = (lab: Lab, subnet: string): Peer => ({
  name: 'runc',
  create: async (request) => {
    const container = new RuncContainer(lab, { name: `runc${request.number}`, address: `${subnet}.${request.number}`, request, hasTimeNamespace: false });
    await container.start();
    return container;
  },
});

class RuncContainer implements Container {
  private host: Host = 'alpha';

  constructor(
    private readonly lab: Lab,
    private readonly bundle: Bundle,
  ) {}

  get address(): string {
    return this.bundle.address;
  }

  async start(): Promise<void> {
    const { name } = this.bundle;
    await placeBundle(this.lab, this.host, this.bundle);
    await writeLayer(this.lab, this.host, this.bundle);
    await this.runc(this.host, ['create', '--bundle', bundleDirectory(name), name], { captureOutput: false });
    await this.runc(this.host, ['start', name]);
  }

  async exec(command: string[], { user, detach = false }: ExecOptions = {}): Promise<string> {
    return execInside(this.lab, this.host, ['runc', 'exec', '--user', userOf(this.bundle.request, user), this.bundle.name, ...homeOf(this.bundle.request, user)], command, detach);
  }

  async move(to: Host): Promise<PeerSteps> {
    const { name } = this.bundle;
    const from = this.host;
    const images = `${runDirectory}/${name}-images`;
    await placeBundle(this.lab, to, this.bundle);
    await this.lab.exec(from, ['mkdir', '-p', '--mode=711', images]); // the container's own root reads them, too
    const checkpoint = await timed(() => this.runc(from, ['checkpoint', '--image-path', images, '--work-path', images, ...flags, name]));
    const copy = await timed(() => copyBetween(this.lab, from, to, [images, ...filesOf(name)]));
    const restore = await timed(() => this.runc(to, ['restore', '--detach', '--bundle', bundleDirectory(name), '--image-path', images, '--work-path', images, ...flags, name], { captureOutput: false }));
    this.host = to;
    await removeBundle(this.lab, from, name);
    for (const host of [from, to]) await this.lab.exec(host, ['rm', '-rf', images]);
    return { checkpointMs: checkpoint.ms, copyMs: copy.ms, restoreMs: restore.ms, bytes: copy.result };
  }

  async remove(): Promise<void> {
    const { name } = this.bundle;
    await this.lab.exec(this.host, ['runc', 'delete', '--force', name]).catch(() => {}); // it may have ended by itself
    for (const host of ['alpha', 'beta']) await removeBundle(this.lab, host as Host, name);
  }

  private async runc(host: Host, args: string[], { captureOutput = true } = {}): Promise<void> {
    const { name } = this.bundle;
    await withLogs(this.lab, host, [`${runDirectory}/${name}-images`, `${runDirectory}/runc.log`], () => this.lab.exec(host, ['runc', '--log', `${runDirectory}/runc.log`, ...args], { timeoutMs, captureOutput }));
  }
}

/** By number; the user's name is looked up in the container. */
export function userOf(request: ContainerRequest, user = request.user): string {
  return user === 'root' ? '0:0' : '1000:1000';
}

export function homeOf(request: ContainerRequest, user = request.user): string[] {
  return ['env', `HOME=${user === 'root' ? '/root' : `/home/${user}`}`];
}

/**
 * Runs a command by a tool's `exec`. A detached one gets a session of its own and loses its parent, so that the container's first process adopts it: no checkpoint
 * can hold a process whose parent is outside.
 */
export async function execInside(lab: Lab, host: Host, exec: string[], command: string[], detach: boolean): Promise<string> {
  if (!detach) return (await lab.exec(host, [...exec, ...command], { timeoutMs })).stdout;
  await lab.exec(host, [...exec, 'sh', '-c', 'cd / && setsid "$@" </dev/null >/dev/null 2>&1 &', 'sh', ...command], { timeoutMs });
  return '';
}

