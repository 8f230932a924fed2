/** Which hosts there are, and the ways to them. */
import { resolve } from 'node:path';
import { ZapError } from '../../../helper/protocol/errors';
import { connectHelper } from '../../helper-client/connect';
import { findHelperExecutable } from '../../helper-client/executable';
import { openTarget } from '../../hosts/connect';
import { HostName, LOCAL, type HostRecord, type Inventory } from '../../hosts/inventory';
import { parseAddress } from '../../hosts/address';
import type { AcceptKey } from '../../ssh/host-key';
import { parseDestination } from '../../ssh/resolve';
import { formatTarget } from '../../ssh/target';
import { command } from '../command';
import { hostShell } from '../host-shell';
import { findingLines } from '../findings';
import { formatBytes, formatTable, printable } from '../format';

export const hostCommands = [
  command({
    name: 'host add',
    summary: 'Make a machine that is reached over SSH a host',
    operands: { name: { placeholder: 'NAME' }, address: { placeholder: 'user@host[:port]', isOptional: true } },
    options: {
      identity: { kind: 'value', placeholder: 'FILE', help: 'private key to log in with' },
      jump: { kind: 'value', placeholder: 'HOST[,HOST…]', help: 'go through these: hosts of Zap, names of SSH\'s configuration, or user@host[:port]' },
      'accept-key': { kind: 'value', placeholder: 'SHA256:…', help: 'accept host keys with these fingerprints (separated by commas) without asking' },
      'no-check': { kind: 'flag', help: 'only note it down; connect when it is first needed' },
    },
    details: 'Without an address, NAME is looked up in SSH\'s configuration (~/.ssh/config), as is an address that is a name there. Zap logs in, brings its helper along and starts it; nothing else on the host is touched.',
    run: async ({ operands, options }, context) => {
      const name = HostName.safeParse(operands.name);
      if (!name.success) throw new ZapError('usage/bad-name', `"${operands.name}" cannot be the name of a host.`, { hint: 'Lower-case letters, digits, dots and dashes.' });
      const inventory = await context.inventory();
      if (inventory.has(name.data)) throw new ZapError('host/name-taken', `There is already a host called "${name.data}".`, { hint: name.data === LOCAL ? 'That name is this computer.' : `Remove it first: \`zap host remove ${name.data}\`.` });
      const record = await recordOf(inventory, name.data, operands.address, { jump: options.jump, identity: options.identity });
      const target = await inventory.resolve(name.data, record);
      const shown = { name: name.data, address: target.address, port: target.port, user: target.user, jumps: (target.jumps ?? []).map((jump) => formatTarget(jump)) };
      const way = `${name.data} is ${formatTarget(target)}${shown.jumps.length > 0 ? `, through ${shown.jumps.join(' and ')}` : ''}`;
      if (options['no-check']) {
        await inventory.add(name.data, record);
        return { json: { host: shown, helper: null }, text: `${way}. It was not asked.` };
      }
      const acceptKey = options['accept-key'] === undefined ? undefined : acceptOnly(options['accept-key'].split(','));
      const transport = await openTarget(inventory, target, { ...context.surroundings, ...(acceptKey ? { acceptKey } : {}), signal: context.signal });
      const client = await connectHelper(transport, {
        host: name.data,
        executable: await findHelperExecutable(context.distDirectory),
        isLocal: false,
        signal: context.signal,
        prompter: context.surroundings.prompter,
        keyring: context.surroundings.keyring,
        onInstall: (bytes, totalBytes) => context.output.progress(`installing the helper on ${name.data}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`),
      });
      client.close();
      await inventory.add(name.data, record);
      return { json: { host: shown, helper: client.hello }, text: `${way}. Its helper runs. Look whether PODs can run there: \`zap host doctor ${name.data}\`.` };
    },
  }),
  command({
    name: 'host list',
    summary: 'List the hosts',
    operands: {},
    options: {},
    details: 'Below the hosts stand names of SSH\'s configuration that could be added: `zap host add NAME`.',
    run: async (_input, context) => {
      const inventory = await context.inventory();
      const hosts = [{ name: LOCAL }, ...inventory.names.map((name) => ({ name, ...inventory.get(name) }))];
      const available = (await inventory.sshAliases()).filter((alias) => HostName.safeParse(alias).success && !inventory.has(alias));
      const rows = inventory.names.map((name) => {
        const record = inventory.get(name);
        return [name, 'alias' in record ? record.alias : formatTarget(record), record.lab ? 'lab' : 'alias' in record ? 'SSH configuration' : record.jump === undefined ? '' : `through ${record.jump}`];
      });
      const table = formatTable(['HOST', 'ADDRESS', ''], [...rows, [LOCAL, 'this computer', '']]);
      return { json: { hosts, available }, text: available.length === 0 ? table : `${table.trimEnd()}\n\nIn SSH's configuration: ${available.join(', ')}` };
    },
  }),
  command({
    name: 'host show',
    summary: 'Connect to a host and show what it is',
    operands: { name: { placeholder: 'NAME' } },
    options: {},
    run: async ({ operands: { name } }, context) => {
      const client = await (await context.fleet()).client(name, context.signal);
      const facts = await client.call('host.facts', {}, { signal: context.signal });
      const rows: [string, string][] = [
        ['host name', facts.hostname],
        ['kernel', `${facts.kernel} ${facts.arch}`],
        ['processor', `${facts.cpus} × ${facts.cpuModel}, load ${facts.loadAverage.toFixed(2)}`],
        ['memory', `${formatBytes(facts.memoryFreeBytes)} free of ${formatBytes(facts.memoryTotalBytes)}`],
        ['disk', `${formatBytes(facts.diskFreeBytes)} free`],
        ['CRIU', facts.criu ? `${facts.criu.version} (${facts.criu.path})` : 'not found'],
        ['addresses', facts.addresses.join(', ')],
        ['limits', facts.limitControllers.join(', ') || 'none'],
        ['helper', client.hello.version],
      ];
      return { json: { host: name, helper: client.hello, facts }, text: [...rows.map(([key, value]) => `${key.padEnd(10)}  ${printable(value)}`), ...findingLines(facts.findings)].join('\n') };
    },
  }),
  command({
    name: 'host shell',
    summary: 'Open a shell on a host, as the user one logs in as',
    operands: { name: { placeholder: 'NAME' } },
    options: {},
    details: 'It is the host\'s own and no part of a POD. Its exit code is passed on.',
    run: async ({ operands: { name } }, context) => hostShell(await context.inventory(), name, context),
  }),
  command({
    name: 'host remove',
    summary: 'Forget a host; nothing on it is touched',
    operands: { name: { placeholder: 'NAME' } },
    options: {},
    run: async ({ operands: { name } }, context) => {
      const removed = await (await context.inventory()).remove(name);
      return { json: { removed: { name, ...removed } }, text: `Host ${name} is forgotten.` };
    },
  }),
];

/** Where NAME leads: an address, or a name of SSH's configuration, which then goes on deciding. */
async function recordOf(inventory: Inventory, name: string, address: string | undefined, options: { jump: string | undefined; identity: string | undefined }): Promise<HostRecord> {
  const identity = options.identity === undefined ? {} : { identityFile: resolve(options.identity) };
  const aliases = await inventory.sshAliases();
  const alias = address ?? name;
  if (aliases.includes(parseDestination(alias).host)) {
    if (options.jump !== undefined) throw new ZapError('usage/bad-arguments', `"${alias}" stands in SSH's configuration, which says how it is reached.`, { hint: 'Write ProxyJump there, or name the host by its address.' });
    return { alias, ...identity };
  }
  if (address === undefined) {
    throw new ZapError('host/not-in-ssh-config', `SSH's configuration has no host "${name}".`, { hint: `Say where it is: \`zap host add ${name} user@host\`.${aliases.length > 0 ? ` Names there: ${aliases.slice(0, 20).join(', ')}.` : ''}` });
  }
  return { ...parseAddress(address), ...(options.jump === undefined ? {} : { jump: options.jump }), ...identity };
}

/** For scripts, which have compared the fingerprint already. */
function acceptOnly(fingerprints: readonly string[]): AcceptKey {
  return async ({ target, keyType, fingerprint }) => {
    if (fingerprints.map((text) => text.trim()).includes(fingerprint)) return true;
    throw new ZapError('host/key-mismatch', `${formatTarget(target)} presents ${keyType} ${fingerprint}, not ${fingerprints.join(' or ')}.`, { hint: 'Somebody may be between you and the host. Compare the fingerprint with the host\'s own.', data: { fingerprint } });
  };
}
