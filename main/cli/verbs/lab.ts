/** A lab of hosts on this machine. */
import { cp, mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ZapError } from '../../../helper/protocol/errors';
import { findHelperExecutable, installedPath } from '../../helper-client/executable';
import { command } from '../command';
import type { Context } from '../context';
import { formatTable } from '../format';
import { wholeNumber } from '../values';

/** Loaded when it is needed: only a machine that runs a lab has what it stands on. */
const loadLab = (): Promise<typeof import('../../../test/lab')> => import('../../../test/lab');

export const labCommands = [
  command({
    name: 'lab up',
    summary: 'Start a lab of hosts on this machine',
    operands: {},
    options: { hosts: { kind: 'value', placeholder: 'N', help: 'how many hosts (default 2)' } },
    details: 'The hosts are namespaces with an SSH server, a disk and an address each. Root is needed. Up twice is harmless; dead hosts are started again.',
    run: async ({ options }, context) => {
      const { labUp } = await loadLab();
      const hosts = options.hosts === undefined ? 2 : wholeNumber('--hosts', options.hosts, 24);
      const lab = await labUp({ zapHome: context.zapHome, hosts, onLine: (line) => context.output.progress(line) });
      await Promise.all(lab.hosts.map(async ({ name }) => placeHelper(context, lab.rootOf(name))));
      const rows = lab.hosts.map(({ name, address }) => ({ name, address }));
      return { json: { hosts: rows }, text: `The lab is up: ${rows.map(({ name, address }) => `${name} (${address})`).join(', ')}.` };
    },
  }),
  command({
    name: 'lab down',
    summary: 'Take the lab down and remove everything of it',
    operands: {},
    options: {},
    run: async (_input, context) => {
      const { labDown } = await loadLab();
      const leftovers = await labDown({ zapHome: context.zapHome });
      if (leftovers.length > 0) throw new ZapError('lab/leftovers', `The lab is down, but this could not be removed: ${leftovers.join(', ')}.`, { data: { leftovers } });
      return { json: { leftovers }, text: 'The lab is down; nothing of it is left.' };
    },
  }),
  command({
    name: 'lab status',
    summary: 'Tell which hosts of the lab are up',
    operands: {},
    options: {},
    run: async (_input, context) => {
      const { labStatus } = await loadLab();
      const status = await labStatus({ zapHome: context.zapHome });
      const rows = status.hosts.map(({ name, address, isUp, pid }) => [name, address, isUp ? 'up' : 'down', pid === undefined ? '' : String(pid)]);
      return { json: status, text: rows.length === 0 ? 'There is no lab; start one with `zap lab up`.' : formatTable(['HOST', 'ADDRESS', 'STATE', 'PID'], rows) };
    },
  }),
];

/** Saves the first connection the upload of 125 MB: the disk of a lab host is at hand. */
async function placeHelper(context: Context, root: string): Promise<void> {
  const executable = await findHelperExecutable(context.distDirectory).catch(() => undefined); // without a build the lab is still a lab
  if (!executable) return;
  const target = join(root, installedPath(executable));
  if ((await stat(target).catch(() => undefined))?.size === executable.sizeBytes) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  const partial = `${target}.${process.pid}`;
  await cp(executable.path, partial, { mode: 0 });
  await rename(partial, target);
}
