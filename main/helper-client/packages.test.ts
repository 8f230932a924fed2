import { describe, expect, it } from 'vitest';
import { endedProcess, wireTransport } from '../../test/fakes/wire-helper';
import { nobody } from '../prompts/prompter';
import { SessionKeyring } from '../secrets/keyring';
import { applyRemedy, remedyFor } from './packages';
import type { Finding } from './pair';
import { RootAccess } from './root-access';

const missing = (apt: string, others = apt): Finding => ({ id: 'program-missing', severity: 'blocker', message: '', data: { packages: { apt, dnf: others, pacman: others, zypper: others } } });
const withManagers = (...programs: string[]) => wireTransport(() => endedProcess(0, { stdout: programs.map((name) => `/usr/bin/${name}\n`).join('') }));
const root = (): RootAccess => new RootAccess('alpha', { prompter: nobody, keyring: new SessionKeyring() });

describe('remedyFor', () => {
  const findings = [missing('iproute2', 'iproute'), missing('nftables'), missing('nftables'), { id: 'kernel/veth', severity: 'blocker', message: '' } as Finding];

  it.each([
    ['apt-get', [['apt-get', 'update'], ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', 'iproute2', 'nftables']]],
    ['dnf', [['dnf', 'install', '-y', 'iproute', 'nftables']]],
    ['pacman', [['pacman', '-Sy', '--needed', '--noconfirm', 'iproute', 'nftables']]],
    ['zypper', [['zypper', '--non-interactive', 'install', 'iproute', 'nftables']]],
  ])('uses %s', async (program, commands) => expect((await remedyFor(withManagers(program), 'alpha', findings))?.commands).toEqual(commands));

  it('prefers the system\'s own where several are installed', async () => {
    expect((await remedyFor(withManagers('dnf', 'apt-get'), 'alpha', findings))?.commands[0]![0]).toBe('apt-get');
  });

  it('has nothing to do where nothing is missing', async () => expect(await remedyFor(withManagers('dnf'), 'alpha', [])).toBeUndefined());

  it('says that it knows no package manager', async () => {
    await expect(remedyFor(withManagers(), 'alpha', findings)).rejects.toMatchObject({ code: 'host/no-package-manager' });
  });

  it.each(['-o=x', 'a b', '$(reboot)', ''])('does not let a hostile helper choose words of the command: %j', async (name) => {
    await expect(remedyFor(withManagers('apt-get'), 'alpha', [missing(name)])).rejects.toMatchObject({ code: 'internal/protocol' });
  });
});

describe('applyRemedy', () => {
  it('tells what the package manager said', async () => {
    const transport = wireTransport(() => endedProcess(100, { stderr: 'E: Unable to locate package nftables\n' }));
    await expect(applyRemedy(transport, 'alpha', root(), { packages: ['nftables'], commands: [['apt-get', 'install', 'nftables']] })).rejects.toMatchObject({ code: 'host/fix-failed', message: expect.stringContaining('Unable to locate package nftables') });
  });

  it('tells that sudo refuses', async () => {
    const transport = wireTransport(() => endedProcess(1, { stderr: 'sudo: a password is required\n' }));
    await expect(applyRemedy(transport, 'alpha', root(), { packages: [], commands: [['dnf', 'install']] })).rejects.toMatchObject({ code: 'host/sudo-refused' });
  });
});
