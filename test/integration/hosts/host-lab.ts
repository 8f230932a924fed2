/** A lab of three hosts with all kinds of users and SSH servers, and a person's Zap that knows none of them yet. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { utils, type ParsedKey } from 'ssh2';
import { connectHelper } from '../../../main/helper-client/connect';
import { findHelperExecutable, type HelperExecutable } from '../../../main/helper-client/executable';
import type { HelperClient } from '../../../main/helper-client/client';
import { openTarget, type Surroundings } from '../../../main/hosts/connect';
import { Inventory } from '../../../main/hosts/inventory';
import type { AcceptKey } from '../../../main/ssh/host-key';
import { fingerprint } from '../../../main/ssh/known-hosts';
import type { SshTarget } from '../../../main/ssh/target';
import type { Transport } from '../../../main/ssh/transport';
import { labDown, labUp, type Lab } from '../../lab';
import { describeAsRoot } from '../support/as-root';
import { ensureBuilt } from '../support/build';
import { Zap } from '../support/zap';

export const passwords = { pat: 'pat knows', sue: 'sue & "sudo"' };
export const passphrase = 'a long phrase';

/** SSH servers that run beside the usual one, on each host. */
export const ports = { password: 2222, keyThenPassword: 2223, questions: 2224, noSftp: 2225, noForwarding: 2226, oneStream: 2227 } as const;

const sshd = (port: number, ...options: string[]): string => `/usr/sbin/sshd -p ${port} -o PidFile=none -E /var/log/sshd-${port}.log ${options.map((option) => `-o ${option}`).join(' ')}`;

/** `pat` may not use sudo, `sue` may with her password, `noisy`'s shell talks; all have the lab's key. */
const furnish = String.raw`
set -eu
useradd -m -s /bin/bash pat; useradd -m -s /bin/bash sue; useradd -m -s /usr/local/bin/noisy noisy
printf '%s\n' "pat:$1" "sue:$2" | chpasswd
usermod -p '*' noisy
printf '#!/bin/sh\necho "Welcome to this host!"; echo "Your quota is 93 %%" >&2; printf "\\033[1mZAP/1 is not installed\\033[0m\\n"\nexec /bin/sh "$@"\n' >/usr/local/bin/noisy; chmod 755 /usr/local/bin/noisy
printf 'sue ALL=(ALL:ALL) ALL\nnoisy ALL=(ALL:ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/suite; chmod 440 /etc/sudoers.d/suite
cat >>/etc/ssh/lab_authorized_keys
${sshd(ports.password, 'PasswordAuthentication=yes', 'PubkeyAuthentication=no')}
${sshd(ports.keyThenPassword, 'PasswordAuthentication=yes', 'AuthenticationMethods=publickey,password')}
${sshd(ports.questions, 'PasswordAuthentication=no', 'PubkeyAuthentication=no', 'UsePAM=yes', 'KbdInteractiveAuthentication=yes')}
${sshd(ports.noForwarding, 'AllowTcpForwarding=no')}
${sshd(ports.oneStream, 'MaxSessions=1')}
/usr/sbin/sshd -f /dev/null -p ${ports.noSftp} -o PidFile=none -o HostKey=/etc/ssh/ssh_host_ed25519_key -o AuthorizedKeysFile=/etc/ssh/lab_authorized_keys -E /var/log/sshd-${ports.noSftp}.log
`;

export class HostLab {
  lab!: Lab;
  zap!: Zap;
  executable!: HelperExecutable;
  private homes: string[] = [];

  async up(): Promise<void> {
    await ensureBuilt();
    this.executable = await findHelperExecutable(join(import.meta.dirname, '../../../dist'));
    this.homes = [await mkdtemp(join(tmpdir(), 'zap-hosts-lab-')), await mkdtemp(join(tmpdir(), 'zap-hosts-'))];
    this.lab = await labUp({ zapHome: this.homes[0]!, hosts: 3 });
    this.zap = new Zap(this.homes[1]!);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', this.lockedKey]);
    writeFileSync(this.sshConfig, '');
    process.env['ZAP_SSH_CONFIG'] = this.sshConfig;
    delete process.env['SSH_AUTH_SOCK'];
    await Promise.all(this.lab.hosts.map(async ({ name }) => this.furnish(name)));
  }

  async furnish(name: string): Promise<void> {
    await this.lab.exec(name, ['sh', '-c', furnish, 'furnish', passwords.pat, passwords.sue], { input: readFileSync(`${this.lockedKey}.pub`) });
  }

  async down(): Promise<void> {
    if (this.homes.length === 0) return;
    const leftovers = await labDown({ zapHome: this.homes[0]! });
    for (const home of this.homes) await rm(home, { recursive: true, force: true });
    expect(leftovers).toEqual([]);
  }

  get key(): string {
    return this.lab.place.identityFile;
  }

  get lockedKey(): string {
    return join(this.homes[1]!, 'locked');
  }

  get sshConfig(): string {
    return join(this.homes[1]!, 'ssh_config');
  }

  address(name: string): string {
    return this.lab.host(name).address;
  }

  fingerprintOf(name: string): string {
    const key = utils.parseKey(readFileSync(join(this.lab.host(name).directory, 'ssh_host_ed25519_key.pub'))) as ParsedKey;
    return fingerprint(key.getPublicSSH());
  }

  target(name: string, change: Partial<SshTarget> = {}): SshTarget {
    return { name, address: this.address(name), port: 22, user: 'zap', identityFiles: [this.key], identityAgent: 'none', ...change };
  }

  /** Trusts the keys that the lab's hosts really have, and no other. */
  get acceptKey(): AcceptKey {
    const known = new Set(this.lab.hosts.map(({ name }) => this.fingerprintOf(name)));
    return async (unknown) => known.has(unknown.fingerprint);
  }

  async transport(target: SshTarget, surroundings: Surroundings & { connectTimeoutMs?: number } = {}): Promise<Transport> {
    return openTarget(await Inventory.open(this.zap.home), target, { acceptKey: this.acceptKey, ...surroundings });
  }

  async helper(target: SshTarget, surroundings: Surroundings & { executable?: HelperExecutable } = {}): Promise<HelperClient> {
    const { executable = this.executable, ...rest } = surroundings;
    return connectHelper(await this.transport(target, rest), { host: target.name, executable, isLocal: false, prompter: rest.prompter, keyring: rest.keyring, onNote: rest.onNote });
  }
}

export function describeWithHosts(name: string, define: (suite: HostLab) => void): void {
  describeAsRoot(name, () => {
    const suite = new HostLab();
    beforeAll(() => suite.up(), 900_000);
    afterAll(() => suite.down(), 60_000);
    define(suite);
  });
}
