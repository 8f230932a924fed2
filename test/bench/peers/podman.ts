/** `podman container checkpoint --export`, copy, `podman container restore --import`, on containers as podman makes them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../lab';
import type { Host } from '../bench-lab';
import type { ExecOptions } from '../scenarios';
import { copyBetween } from './copy';
import { runDirectory, treeOf, writeStartFiles } from './files';
import { timed, withLogs, type Container, type ContainerRequest, type Peer, type PeerSteps } from './peer';
import { execInside, homeOf, userOf } from './runc';

const timeoutMs = 180_000;
const storage = '/var/lib/zap/peers-podman';
/** crun leaves no way to tell CRIU what this lab's control groups need (/etc/criu/runc.conf). */
const podman = ['podman', '--runtime', 'runc'];
const network = 'peers';
const flags = ['--tcp-established', '--file-locks'];

export const podmanPeer = (lab: Lab, subnet: string): Peer => ({
  name: 'podman',
  create: async (request) => {
    const container = new PodmanContainer(lab, subnet, request);
    await container.start();
    return container;
  },
});

class PodmanContainer implements Container {
  private host: Host = 'alpha';
  private readonly name: string;

  constructor(
    private readonly lab: Lab,
    private readonly subnet: string,
    private readonly request: ContainerRequest,
  ) {
    this.name = `podman${request.number}`;
  }

  get address(): string {
    return `${this.subnet}.${this.request.number}`;
  }

  async start(): Promise<void> {
    for (const host of ['alpha', 'beta'] as const) await configure(this.lab, host, this.subnet);
    await this.makeImage();
    const create = ['run', '--detach', '--name', this.name, '--pids-limit=0', '--log-driver=none', '--network', network, '--ip', this.address, this.name];
    await this.podman('alpha', [...create, '/usr/bin/tini', '-g', '--', '/usr/lib/zap/start'], { captureOutput: false });
  }

  async exec(command: string[], { user, detach = false }: ExecOptions = {}): Promise<string> {
    return execInside(this.lab, this.host, [...podman, 'exec', '--user', userOf(this.request, user), this.name, ...homeOf(this.request, user)], command, detach);
  }

  async move(to: Host): Promise<PeerSteps> {
    const from = this.host;
    const archive = `${runDirectory}/${this.name}.tar`;
    const checkpoint = await timed(() => this.podman(from, ['container', 'checkpoint', '--export', archive, '--compress=none', ...flags, this.name]));
    const copy = await timed(() => copyBetween(this.lab, from, to, [archive]));
    const restore = await timed(() => this.podman(to, ['container', 'restore', '--import', archive, ...flags], { captureOutput: false }));
    this.host = to;
    await this.podman(from, ['rm', '--force', '--time=0', this.name]);
    for (const host of [from, to]) await this.lab.exec(host, ['rm', '-f', archive]);
    return { checkpointMs: checkpoint.ms, copyMs: copy.ms, restoreMs: restore.ms, bytes: copy.result };
  }

  async remove(): Promise<void> {
    for (const host of ['alpha', 'beta'] as const) {
      await this.podman(host, ['rm', '--force', '--time=0', '--all']).catch(() => {}); // the image below goes in any case
      await this.podman(host, ['rmi', '--force', this.name]).catch(() => {});
    }
  }

  /** The POD's environment as an image, the same on both hosts. */
  private async makeImage(): Promise<void> {
    const extra = `${runDirectory}/${this.name}-extra`;
    const tarball = `${storage}/${this.name}.tar`;
    await mkdir(join(this.lab.rootOf('alpha'), extra), { recursive: true });
    await writeStartFiles(join(this.lab.rootOf('alpha'), extra), this.request);
    const { lab } = this;
    const merged = `${runDirectory}/${this.name}-merged`;
    await lab.exec('alpha', ['mkdir', '-p', merged]);
    await lab.exec('alpha', ['mount', '-t', 'overlay', '-o', `ro,lowerdir=${extra}:${treeOf(this.request.digest)}`, 'overlay', merged]);
    await lab.exec('alpha', ['tar', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-cf', tarball, '-C', merged, '.'], { timeoutMs });
    await lab.exec('alpha', ['umount', merged]);
    await this.podman('alpha', ['import', tarball, this.name]);
    await lab.exec('alpha', ['rm', '-rf', tarball, extra, merged]);
    await this.podman('alpha', ['save', '--output', tarball, this.name]);
    await copyBetween(lab, 'alpha', 'beta', [tarball]);
    await this.podman('beta', ['load', '--input', tarball]);
    for (const host of ['alpha', 'beta'] as const) await lab.exec(host, ['rm', '-f', tarball]);
  }

  private async podman(host: Host, args: string[], { captureOutput = true } = {}): Promise<void> {
    await withLogs(this.lab, host, [`${storage}/storage/overlay-containers`], () => this.lab.exec(host, [...podman, ...args], { timeoutMs, captureOutput }));
  }
}

/** Storage on a plain file system, and the hosts' own bridge as a network: podman refuses to make one whose addresses a host has. */
async function configure(lab: Lab, host: Host, subnet: string): Promise<void> {
  const root = lab.rootOf(host);
  await mkdir(join(root, storage), { recursive: true });
  await mkdir(join(root, runDirectory), { recursive: true });
  await mkdir(join(root, 'etc/containers/networks'), { recursive: true });
  await writeFile(join(root, 'etc/containers/storage.conf'), `[storage]\ndriver = "overlay"\ngraphroot = "${storage}/storage"\nrunroot = "/run/peers-podman"\n`);
  const definition = {
    name: network,
    id: '70656572'.repeat(8),
    driver: 'bridge',
    network_interface: 'br0',
    created: '2026-01-01T00:00:00Z',
    subnets: [{ subnet: `${subnet}.0/24`, gateway: `${subnet}.254` }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
    options: { mode: 'unmanaged' },
    ipam_options: { driver: 'host-local' },
  };
  await writeFile(join(root, `etc/containers/networks/${network}.json`), JSON.stringify(definition));
}
