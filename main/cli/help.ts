/** Help, made from the table of commands. */
import { exitCodes } from '../../helper/protocol/errors';
import { globalOptions, type Command, type Options } from './command';

export const exitCodeMeanings: Record<keyof typeof exitCodes, string> = {
  usage: 'the command line is wrong',
  host: 'a host cannot be reached, refuses us, or is not known',
  pod: 'no such POD, a taken name, or a POD in the wrong state',
  environment: 'no such environment, or it cannot be built or imported',
  preflight: 'preflight found what forbids it; nothing was touched',
  criu: 'CRIU is missing, too old or failed',
  checkpoint: 'a checkpoint is wrong, incomplete or altered',
  move: 'the move failed; the message says where the POD is',
  network: 'an address is taken, missing or cannot be set up',
  lab: 'the lab cannot be set up or taken down',
  system: 'a program or a system call on a host failed',
  internal: 'a fault of Zap itself',
  cancelled: 'cancelled; the message says where the POD is',
};

export function exitCodesText(): string {
  const rows = Object.entries(exitCodes).map(([area, code]) => `  ${String(code).padStart(3)}  ${area.padEnd(12)} ${exitCodeMeanings[area as keyof typeof exitCodes]}`);
  return ['Exit codes. Every error has a stable code `area/what` in --json; its area decides the exit code.', '', '    0  success', ...rows, '', '`zap pod exec` passes on the exit code of the command it ran.'].join('\n');
}

export function usageLine({ name, operands, options, trailing }: Command): string {
  const words = [`zap ${name}`];
  for (const { placeholder, isOptional } of Object.values(operands)) words.push(isOptional ? `[${placeholder}]` : placeholder);
  for (const [option, spec] of Object.entries(options)) words.push(`[${spec.short ? `-${spec.short}` : `--${option}`}${spec.kind === 'value' ? ` ${spec.placeholder ?? 'VALUE'}` : ''}]`);
  if (trailing) words.push(trailing.isOptional ? `[-- ${trailing.placeholder}]` : `-- ${trailing.placeholder}`);
  return words.join(' ');
}

export function commandHelp(command: Command): string {
  const lines = [`${command.summary}.`, '', `  ${usageLine(command)}`, ''];
  if (command.details) lines.push(command.details, '');
  lines.push('Options:', ...optionLines({ ...command.options, ...globalOptions }));
  if (command.examples) lines.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`));
  return lines.join('\n');
}

export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = ['Zap moves a whole computing session between Linux machines while it runs.', '', '  zap COMMAND [OPTIONS]', ''];
  let noun = '';
  for (const { name, summary } of commands) {
    const first = name.split(' ')[0]!;
    if (noun !== '' && first !== noun && (name.includes(' ') || noun !== 'help')) lines.push('');
    noun = first;
    lines.push(`  ${name.padEnd(width)}  ${summary}`);
  }
  lines.push('', 'Every command takes --json (one JSON object on standard output) and --help. `zap help exit-codes` lists the exit codes.');
  return lines.join('\n');
}

function optionLines(options: Options): string[] {
  const rows = Object.entries(options).map(([name, spec]) => [`${spec.short ? `-${spec.short}, ` : ''}--${name}${spec.kind === 'value' ? ` ${spec.placeholder ?? 'VALUE'}` : ''}`, spec.help] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`);
}
