/** What goes on in a POD: its commands, terminals and screen. */
import { writeFile } from 'node:fs/promises';
import { ZapError } from '../../../helper/protocol/errors';
import { encodePng } from '../../streams/png';
import { takeSnapshot } from '../../streams/rfb-snapshot';
import { attach } from '../attach';
import { command } from '../command';
import { execute } from '../exec';

export const podSessionCommands = [
  command({
    name: 'pod exec',
    summary: 'Run a command in a POD',
    operands: { name: { placeholder: 'NAME' } },
    options: {
      user: { kind: 'value', placeholder: 'USER', help: 'as which user of the POD (default: the one of its environment)' },
      detach: { kind: 'flag', help: "start it as a child of the POD's own, which moves along, and return" },
      terminal: { kind: 'flag', short: 't', help: 'give it a terminal' },
    },
    trailing: { placeholder: 'CMD…' },
    details: 'Without --detach the command belongs to the caller, not to the session: it does not move. Its exit code is passed on.',
    run: async ({ operands, options, trailing }, context) => {
      const { host, pod } = await context.pod(operands.name);
      return execute(await context.client(host), { pod: pod.id, command: trailing, user: options.user, detach: options.detach, hasTerminal: options.terminal }, context);
    },
  }),
  command({
    name: 'pod attach',
    summary: "Open a POD's terminal; Ctrl-] leaves it",
    operands: { name: { placeholder: 'NAME' } },
    options: { window: { kind: 'value', placeholder: 'NAME', help: 'which of its terminals; a new name opens a new one' } },
    details: 'When the POD moves, the terminal follows it to the other host by itself.',
    run: async ({ operands, options }, context) => attach(await context.fleet(), operands.name, options.window, context),
  }),
  command({
    name: 'pod screenshot',
    summary: "Save what is on a POD's screen as a PNG file",
    operands: { name: { placeholder: 'NAME' }, file: { placeholder: 'FILE.png' } },
    options: {},
    run: async ({ operands: { name, file } }, context) => {
      const { host, pod } = await context.pod(name);
      if (!pod.hasDisplay) throw new ZapError('pod/no-display', `"${pod.name}" has no screen: its environment "${pod.environment.name}" is not a desktop.`, { data: { pod: pod.name } });
      const client = await context.client(host);
      const stop = new AbortController();
      const call = client.start('pod.display', { pod: pod.id }, { signal: AbortSignal.any([context.signal, stop.signal]) });
      const ended = call.result.then(() => {
        throw new ZapError('pod/display-detached', `The screen of "${pod.name}" went away: it is being frozen.`, { hint: 'Try again when its move is over.', data: { pod: pod.name } });
      });
      try {
        const image = await Promise.race([takeSnapshot(call.lane(0)), ended]);
        await writeFile(file, await encodePng(image)).catch((cause: Error) => {
          throw new ZapError('usage/file-unwritable', `"${file}" cannot be written: ${cause.message}`, { cause });
        });
        return { json: { pod: pod.name, host, file, width: image.width, height: image.height }, text: `${file}: ${image.width}×${image.height}` };
      } finally {
        ended.catch(() => {});
        stop.abort();
      }
    },
  }),
];
