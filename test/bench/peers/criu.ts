/** CRIU by hand: the same sandbox, `criu dump`, tar through a connection, `criu restore`, with the options that docs/CRIU.md comes to. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../lab';
import type { Host } from '../bench-lab';
import type { ExecOptions } from '../scenarios';
import { bundleDirectory, placeBundle, plugPath, removeBundle, rootDirectory, writeLayer, type Bundle } from './bundle';
import { copyBetween } from './copy';
import { filesOf, runDirectory } from './files';
import { timed, withLogs, type Container, type Peer, type PeerSteps } from './peer';
import { scanPaths } from './programs';
import { execInside, homeOf, userOf } from './runc';

const timeoutMs = 120_000;
const commonFlags = ['-v1', '--tcp-established', '--file-locks', '--ext-unix-sk', '--manage-cgroups=ignore', '--empty-ns', 'net', '--external', 'mnt[]'];
const dumpFlags = [...commonFlags, '--link-remap', '--force-irmap', ...scanPaths.flatMap((path) => ['--irmap-scan-path', path]), '--ghost-limit', '256M', '--skip-in-flight'];

export const criuPeer = (lab: Lab, subnet: string): Peer => ({
  name: 'criu',
  create: async (request) => {
    const container = new CriuContainer(lab, { name: `criu${request.number}`, address: `${subnet}.${request.number}`, request, hasTimeNamespace: true });
    await container.start();
    return container;
  },
});

class CriuContainer implements Container {
  private host: Host = 'alpha';
  private pid = 0;

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
    const pidFile = `${bundleDirectory(name)}/pid`;
    await this.lab.exec(this.host, ['runc', '--log', `${runDirectory}/runc.log`, 'create', '--pid-file', pidFile, '--bundle', bundleDirectory(name), name], { timeoutMs, captureOutput: false });
    this.pid = await this.readPid(this.host, pidFile);
    await this.lab.exec(this.host, ['runc', 'start', name], { timeoutMs });
    await this.lab.exec(this.host, ['rm', '-rf', `/run/runc/${name}`]); // from here on it belongs to nobody
  }

  async exec(command: string[], { user, detach = false }: ExecOptions = {}): Promise<string> {
    const [uid, gid] = userOf(this.bundle.request, user).split(':') as [string, string];
    const enter = ['nsenter', '--target', String(this.pid), '--all', '--root', '--wd', '--setuid', uid, '--setgid', gid, '--', ...homeOf(this.bundle.request, user)];
    return execInside(this.lab, this.host, enter, command, detach);
  }

  async move(to: Host): Promise<PeerSteps> {
    const { name } = this.bundle;
    const from = this.host;
    const images = `${runDirectory}/${name}-images`;
    const pidFile = `${images}/init.pid`;
    await placeBundle(this.lab, to, this.bundle);
    await this.lab.exec(from, ['mkdir', '-p', images]);
    const criu = (host: Host, args: string[]): Promise<unknown> => withLogs(this.lab, host, [images], () => this.lab.exec(host, ['criu', ...args, '-D', images], { timeoutMs }));
    const checkpoint = await timed(() => criu(from, ['dump', '-t', String(this.pid), '-o', 'dump.log', ...dumpFlags]));
    const copy = await timed(() => copyBetween(this.lab, from, to, [images, ...filesOf(name)]));
    const restore = await timed(() => criu(to, ['restore', '-d', '-o', 'restore.log', '--root', rootDirectory(name), '--action-script', plugPath(name), '--pidfile', pidFile, ...commonFlags]));
    this.host = to;
    this.pid = await this.readPid(to, pidFile);
    await removeBundle(this.lab, from, name);
    for (const host of [from, to]) await this.lab.exec(host, ['rm', '-rf', images]);
    return { checkpointMs: checkpoint.ms, copyMs: copy.ms, restoreMs: restore.ms, bytes: copy.result };
  }

  async remove(): Promise<void> {
    if (this.pid > 0) await this.lab.exec(this.host, ['kill', '-KILL', String(this.pid)]).catch(() => {}); // it may have ended by itself
    for (const host of ['alpha', 'beta'] as const) await removeBundle(this.lab, host, this.bundle.name);
  }

  private async readPid(host: Host, file: string): Promise<number> {
    return Number(await readFile(join(this.lab.rootOf(host), file), 'utf8'));
  }
}
