/** From words to a command and its input. Pure: it knows the table and nothing else. */
import { ZapError } from '../../helper/protocol/errors';
import { globalOptions, type Command, type Input, type Operands, type Options, type OptionSpec } from './command';
import { nearest } from './nearest';

export type Parsed =
  | { kind: 'run'; command: Command; input: Input<Operands, Options>; isJson: boolean }
  | { kind: 'help'; command: Command | undefined; isJson: boolean };

export function parseArguments(commands: readonly Command[], argv: readonly string[]): Parsed {
  const dashes = argv.indexOf('--');
  const words = dashes < 0 ? argv : argv.slice(0, dashes);
  const trailing = dashes < 0 ? [] : argv.slice(dashes + 1);
  const first = words.findIndex((word) => !word.startsWith('-'));
  const isJson = words.includes('--json');
  const wantsHelp = words.some((word) => word === '--help' || word === '-h');
  if (first < 0) {
    const unknown = words.find((word) => !['--json', '--help', '-h', '--version'].includes(word));
    if (unknown !== undefined) throw unknownOption(unknown, ['--help', '--version']);
    const version = words.includes('--version') ? commands.find(({ name }) => name === 'version') : undefined;
    return version && !wantsHelp ? { kind: 'run', command: version, input: emptyInput(), isJson } : { kind: 'help', command: undefined, isJson };
  }
  const { command, used } = findCommand(commands, words.slice(first), wantsHelp);
  if (!command) return { kind: 'help', command: undefined, isJson };
  if (wantsHelp) return { kind: 'help', command, isJson };
  const rest = [...words.slice(0, first), ...words.slice(first + used)];
  return { kind: 'run', command, input: readInput(command, rest, trailing, dashes >= 0), isJson };
}

function findCommand(commands: readonly Command[], words: readonly string[], wantsHelp: boolean): { command: Command | undefined; used: number } {
  const one = words[0] ?? '';
  const two = words[1]?.startsWith('-') ? undefined : words[1];
  const pair = two === undefined ? undefined : commands.find(({ name }) => name === `${one} ${two}`);
  if (pair) return { command: pair, used: 2 };
  const single = commands.find(({ name }) => name === one);
  if (single) return { command: single, used: 1 };

  const verbs = commands.filter(({ name }) => name.startsWith(`${one} `)).map(({ name }) => name.slice(one.length + 1));
  if (verbs.length > 0) {
    if (two === undefined && wantsHelp) return { command: undefined, used: 1 };
    const guess = two === undefined ? undefined : nearest(two, verbs);
    throw new ZapError('usage/unknown-command', two === undefined ? `"zap ${one}" needs a verb: ${verbs.join(', ')}.` : `"zap ${one}" has no verb "${two}".`, {
      hint: guess ? `Did you mean \`zap ${one} ${guess}\`?` : `Verbs: ${verbs.join(', ')}.`,
    });
  }
  const nouns = [...new Set(commands.map(({ name }) => name.split(' ')[0]!))];
  const guess = nearest(one, nouns);
  throw new ZapError('usage/unknown-command', `There is no command "${one}".`, { hint: guess ? `Did you mean \`zap ${guess}\`?` : 'See `zap help`.' });
}

function readInput(command: Command, words: readonly string[], trailing: string[], hasDashes: boolean): Input<Operands, Options> {
  const known: Options = { ...command.options, ...globalOptions };
  const input = emptyInput();
  for (const [name, spec] of Object.entries(command.options)) input.options[name] = spec.kind === 'flag' ? false : undefined;
  const values: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('-') || word === '-') {
      values.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const flag = equals < 0 ? word : word.slice(0, equals);
    const found = findOption(known, flag);
    if (!found) throw unknownOption(flag, Object.entries(known).flatMap(([name, { short }]) => [`--${name}`, ...(short ? [`-${short}`] : [])]), command);
    const { name, spec } = found;
    if (spec.kind === 'flag') {
      if (equals >= 0) throw usage(command, `${flag} takes no value.`);
      if (name in command.options) input.options[name] = true;
      continue;
    }
    const value = equals >= 0 ? word.slice(equals + 1) : words[++at];
    if (value === undefined) throw usage(command, `${flag} needs a value: ${spec.placeholder ?? 'VALUE'}.`);
    if (input.options[name] !== undefined) throw usage(command, `${flag} is given twice.`);
    input.options[name] = value;
  }
  assignOperands(command, values, input);
  if (hasDashes && !command.trailing) throw usage(command, 'Nothing may stand behind "--".');
  if (command.trailing && !command.trailing.isOptional && trailing.length === 0) throw usage(command, `${command.trailing.placeholder} is missing; it stands behind "--".`);
  input.trailing = trailing;
  return input;
}

function assignOperands(command: Command, values: readonly string[], input: Input<Operands, Options>): void {
  const specs = Object.entries(command.operands);
  if (values.length > specs.length) throw usage(command, `"${values[specs.length]}" is one argument too many.`);
  specs.forEach(([name, spec], index) => {
    const value = values[index];
    if (value === undefined && !spec.isOptional) throw usage(command, `${spec.placeholder} is missing.`);
    input.operands[name] = value as string;
  });
}

function findOption(known: Options, flag: string): { name: string; spec: OptionSpec } | undefined {
  for (const [name, spec] of Object.entries(known)) {
    if (flag === `--${name}` || (spec.short !== undefined && flag === `-${spec.short}`)) return { name, spec };
  }
  return undefined;
}

function unknownOption(flag: string, candidates: readonly string[], command?: Command): ZapError {
  const guess = nearest(flag, candidates);
  const help = command ? `zap help ${command.name}` : 'zap help';
  return new ZapError('usage/unknown-option', `There is no option "${flag}"${command ? ` for "zap ${command.name}"` : ''}.`, { hint: guess ? `Did you mean ${guess}?` : `See \`${help}\`.` });
}

function usage(command: Command, message: string): ZapError {
  return new ZapError('usage/bad-arguments', `zap ${command.name}: ${message}`, { hint: `See \`zap help ${command.name}\`.` });
}

function emptyInput(): Input<Operands, Options> {
  return { operands: {}, options: {}, trailing: [] };
}
