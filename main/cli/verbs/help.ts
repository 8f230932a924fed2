/** What the command says of itself: help, version, completions. */
import { ZapError } from '../../../helper/protocol/errors';
import { version } from '../../../package.json';
import { protocolRange } from '../../../helper/protocol/contract';
import { command, type Command } from '../command';
import { bashCompletion } from '../completion';
import { commandHelp, exitCodesText, overview } from '../help';
import { nearest } from '../nearest';

/** The help is made from the table that it stands in itself. */
export function helpCommands(table: () => readonly Command[]): Command[] {
  return [
    command({
      name: 'version',
      summary: 'Print the version',
      operands: {},
      options: {},
      run: async () => ({ json: { version, protocol: protocolRange }, text: `zap ${version}` }),
    }),
    command({
      name: 'completion',
      summary: 'Print what makes bash complete these commands',
      operands: {},
      options: {},
      details: 'source <(zap completion)',
      run: async () => {
        const text = bashCompletion(table());
        return { json: { bash: text }, text };
      },
    }),
    command({
      name: 'help',
      summary: 'Explain a command',
      operands: { noun: { placeholder: 'COMMAND', isOptional: true }, verb: { placeholder: 'VERB', isOptional: true } },
      options: {},
      run: async ({ operands: { noun, verb } }) => {
        const text = helpText(table(), noun, verb);
        return { json: { help: text }, text };
      },
    }),
  ];
}

function helpText(commands: readonly Command[], noun: string | undefined, verb: string | undefined): string {
  if (noun === undefined) return overview(commands);
  if (noun === 'exit-codes') return exitCodesText();
  const name = verb === undefined ? noun : `${noun} ${verb}`;
  const exact = commands.find((candidate) => candidate.name === name);
  if (exact) return commandHelp(exact);
  const group = verb === undefined ? commands.filter((candidate) => candidate.name.startsWith(`${noun} `)) : [];
  if (group.length > 0) return overview(group);
  const guess = nearest(name, [...commands.map((candidate) => candidate.name), 'exit-codes']);
  throw new ZapError('usage/unknown-command', `There is no command "${name}".`, { hint: guess ? `Did you mean \`zap help ${guess}\`?` : 'See `zap help`.' });
}
