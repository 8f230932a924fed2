/** Who else on its host may use a POD. */
import { ZapError } from '../../../helper/protocol/errors';
import { UserName } from '../../../helper/protocol/model';
import { command } from '../command';

export const podShareCommands = [
  command({
    name: 'pod share',
    summary: 'Let another user of its host use a POD, or no longer',
    operands: { name: { placeholder: 'NAME' }, user: { placeholder: 'USER' } },
    options: { revoke: { kind: 'flag', help: 'no longer' } },
    details: 'Users of a host see only their own PODs and those shared with them. The right is the host\'s: it does not move along.',
    run: async ({ operands, options }, context) => {
      if (!UserName.safeParse(operands.user).success) throw new ZapError('usage/bad-arguments', `"${operands.user}" cannot be the name of a user.`);
      const { host, pod } = await context.pod(operands.name);
      const client = await context.client(host);
      const { sharedWith } = await client.call('pod.share', { pod: pod.id, user: operands.user, isShared: !options.revoke }, { signal: context.signal });
      return { json: { host, pod: pod.name, sharedWith }, text: sharedWith.length === 0 ? `POD ${pod.name} is its owner's alone.` : `POD ${pod.name} is shared on ${host} with ${sharedWith.join(', ')}.` };
    },
  }),
];
