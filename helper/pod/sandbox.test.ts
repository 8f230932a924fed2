import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PodRecord } from './record';
import { ociConfiguration } from './sandbox';
import { seccompProfile } from './seccomp';
import { commandFile, commandPath, startScript } from './start-script';

const record: PodRecord = {
  version: 1, id: '0123456789ab', name: 'desk', owner: 'zap', sharedWith: [], environment: { digest: `sha256:${'0'.repeat(64)}`, name: 'shell' }, network: { profile: 'none' },
  mac: '02:00:00:00:00:01', uidBase: 1 << 30, limits: {}, command: null, user: 'user', hasDisplay: false, createdAt: '', state: { kind: 'creating' },
};

interface Configuration {
  process: { args: string[]; capabilities: Record<string, string[]> };
  mounts: { type: string; destination: string }[];
  linux: { namespaces: { type: string }[]; uidMappings: unknown[]; maskedPaths: string[] };
}

test('the sandbox is what a checkpoint can carry', () => {
  const configuration = ociConfiguration(record) as Configuration;
  expect(configuration.linux.namespaces.map(({ type }) => type).sort()).toEqual(['ipc', 'mount', 'network', 'pid', 'user', 'uts']);
  expect(configuration.linux.uidMappings).toEqual([{ containerID: 0, hostID: 1 << 30, size: 65536 }]);
  expect(configuration.mounts.map(({ type }) => type)).not.toContain('tmpfs');
  expect(configuration.mounts.map(({ type }) => type)).not.toContain('cgroup');
  expect(configuration.linux.maskedPaths).toEqual([]);
  // The first process gives up what only the making of the time namespace needs.
  expect(configuration.process.capabilities['bounding']).toContain('CAP_SYS_ADMIN');
  expect(configuration.process.args.join(' ')).toMatch(/unshare -T .*setpriv --bounding-set -sys_admin,-sys_time/);
});

test('system calls that cannot be carried, or reach the host, are not allowed', () => {
  const profile = seccompProfile('x64') as { defaultAction: string; defaultErrnoRet: number; architectures: string[]; syscalls: { names: string[]; action: string; args?: unknown }[] };
  expect([profile.defaultAction, profile.defaultErrnoRet]).toEqual(['SCMP_ACT_ERRNO', 38]);
  expect(profile.architectures).toEqual(['SCMP_ARCH_X86_64']); // i386's socketcall goes around every rule for sockets
  const allowed = new Set(profile.syscalls.filter((rule) => rule.action === 'SCMP_ACT_ALLOW' && !rule.args).flatMap((rule) => rule.names));
  for (const name of ['io_uring_setup', 'clone3', 'pkey_alloc', 'mount', 'bpf', 'keyctl', 'userfaultfd', 'perf_event_open', 'init_module', 'kexec_load', 'open_by_handle_at', 'setns', 'reboot', 'clock_settime', 'clone', 'unshare', 'prctl']) {
    expect(allowed.has(name), name).toBe(false);
  }
  for (const name of ['read', 'openat', 'execve', 'fork', 'futex', 'epoll_wait', 'ptrace', 'memfd_create', 'inotify_add_watch', 'statx', 'rt_sigreturn']) expect(allowed.has(name), name).toBe(true);
});

test('a command reaches the POD word by word, whatever is in it', () => {
  const base = mkdtempSync(join(tmpdir(), 'zap-start-'));
  try {
    const words = ['printf', '%s|', 'plain', 'two words', '$(id)', '`id`', '"', "'", '\\', 'ümläut', '-n', '', ' end ', 'line\n\n'];
    writeFileSync(join(base, 'command'), commandFile(words));
    const script = startScript('root', '1280x800');
    const reader = /set --\n {2}while[^\n]*/.exec(script)![0].replace(`/${commandPath}`, join(base, 'command'));
    expect(execFileSync('sh', ['-c', `${reader}\n"$@"`]).toString()).toBe(words.slice(2).map((word) => `${word}|`).join(''));
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
