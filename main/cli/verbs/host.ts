import { createInterface } from 'node:readline/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { ZapError } from '../../../helper/protocol/errors';
import { HostName, LOCAL } from '../../hosts/inventory';
import { parseAddress } from '../../hosts/address';
import { fingerprint, keyTypeOf, verifyHostKey } from '../../ssh/known-hosts';
import { scanHostKey } from '../../ssh/ssh-transport';
import { command } from '../command';
import type { Context } from '../context';
import { formatBytes, formatTable, printable } from '../format';
import { findingLines } from '../findings';

export const hostCommands = [
  command({
    name: 'host add',
    summary: 'Add a host that is reached over SSH',
    operands: { name: { placeholder: 'NAME' }, address: { placeholder: 'user@host[:port]' } },
    options: {
      identity: { kind: 'value', placeholder: 'FILE', help: 'private key to log in with' },
      'accept-key': { kind: 'value', placeholder: 'SHA256:…', help: 'accept the host key with this fingerprint without asking' },
    },
    run: async ({ operands, options }, context) => {
      const name = HostName.safeParse(operands.name);
      if (!name.success) throw new ZapError('usage/bad-name', `"${operands.name}" cannot be the name of a host.`, { hint: 'Lower-case letters, digits, dots and dashes.' });
      const inventory = await context.inventory();
      if (inventory.has(name.data)) throw new ZapError('host/name-taken', `There is already a host called "${name.data}".`, { hint: name.data === LOCAL ? 'That name is this computer.' : `Remove it first: \`zap host remove ${name.data}\`.` });
      const where = parseAddress(operands.address);
      const target = { name: name.data, ...where };
      const key = await scanHostKey(target, { signal: context.signal });
      const verdict = verifyHostKey(await inventory.knownHosts(), where.address, where.port, key);
      if (verdict.kind === 'mismatch' || verdict.kind === 'revoked') {
        throw new ZapError(verdict.kind === 'mismatch' ? 'host/key-mismatch' : 'host/key-revoked', `${where.address} presents ${keyTypeOf(key)} ${fingerprint(key)}, which line ${verdict.line} of ${verdict.file} contradicts.`, { hint: 'If you know that the new key is right, remove that line first.' });
      }
      if (verdict.kind === 'unknown') {
        await requireAccepted(context, `${where.address}:${where.port}`, keyTypeOf(key), fingerprint(key), options['accept-key']);
        await inventory.trust(target, key);
      }
      await inventory.add(name.data, { ...where, ...(options.identity === undefined ? {} : { identityFile: resolve(options.identity) }) });
      return { json: { host: { name: name.data, ...where, fingerprint: fingerprint(key) } }, text: `Host ${name.data} is ${where.user}@${where.address}:${where.port}. Look whether PODs can run there: \`zap host doctor ${name.data}\`.` };
    },
  }),
  command({
    name: 'host list',
    summary: 'List the hosts',
    operands: {},
    options: {},
    run: async (_input, context) => {
      const inventory = await context.inventory();
      const hosts = [{ name: LOCAL }, ...inventory.names.map((name) => ({ name, ...inventory.get(name) }))];
      const rows = inventory.names.map((name) => {
        const { user, address, port, lab } = inventory.get(name);
        return [name, `${user}@${address}:${port}`, lab ? 'lab' : ''];
      });
      return { json: { hosts }, text: formatTable(['HOST', 'ADDRESS', ''], [...rows, [LOCAL, 'this computer', '']]) };
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
    name: 'host remove',
    summary: 'Forget a host; nothing on it is touched',
    operands: { name: { placeholder: 'NAME' } },
    options: {},
    run: async ({ operands: { name } }, context) => {
      const removed = await (await context.inventory()).remove(name);
      return { json: { removed: { name, ...removed } }, text: `Host ${name} is forgotten.` };
    },
  }),
  command({
    name: 'host doctor',
    summary: 'Check whether PODs can run, be checkpointed and arrive on a host',
    operands: { name: { placeholder: 'NAME', isOptional: true } },
    options: {},
    run: async ({ operands }, context) => {
      const name = await context.hostOr(operands.name);
      const client = await (await context.fleet()).client(name, context.signal);
      context.output.progress(`${name}: dumping and restoring a probe`);
      const [facts, selftest] = await Promise.all([client.call('host.facts', {}, { signal: context.signal }), client.call('host.selftest', {}, { signal: context.signal })]);
      const findings = [...facts.findings, ...selftest.findings];
      const isFit = findings.every(({ severity }) => severity !== 'blocker');
      return {
        json: { host: name, isFit, findings },
        text: [...findingLines(findings), isFit ? `${name} is fit for PODs.` : `${name} is not fit for PODs yet.`].join('\n'),
        exitCode: isFit ? 0 : new ZapError('preflight/host-unfit', '').exitCode,
      };
    },
  }),
];

async function requireAccepted(context: Context, where: string, keyType: string, presented: string, accepted: string | undefined): Promise<void> {
  if (accepted !== undefined) {
    if (accepted === presented) return;
    throw new ZapError('host/key-mismatch', `${where} presents ${keyType} ${presented}, not ${accepted}.`, { hint: 'Somebody may be between you and the host. Compare the fingerprint with the host\'s own.' });
  }
  const unknown = new ZapError('host/key-unknown', `The key of ${where} is not known yet. It presents ${keyType} ${presented}.`, { hint: `Compare it with the host's own key, then add --accept-key ${presented}.`, data: { fingerprint: presented } });
  if (context.isJson || !context.stdin.isTTY || !context.output.showsProgress) throw unknown;
  const prompt = createInterface({ input: context.stdin, output: context.output.stderr as unknown as Writable });
  try {
    const answer = await prompt.question(`${where} presents the key\n  ${keyType} ${presented}\nCompare it with the host's own. Trust it? [y/N] `, { signal: context.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw unknown;
  } finally {
    prompt.close();
  }
}
