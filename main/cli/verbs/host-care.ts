/** Whether a host is fit for PODs, and what Zap has put on it. */
import { ZapError } from '../../../helper/protocol/errors';
import { command } from '../command';
import { findingLines } from '../findings';

export const hostCareCommands = [
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
