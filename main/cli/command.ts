/**
 * A command is data: its name, operands and options feed the parser, the help, the suggestions and the checks; `run` gets them typed.
 */
import type { Context } from './context';
import type { Result } from './output';

export interface OperandSpec {
  /** As shown in usage lines. */
  placeholder: string;
  isOptional?: true;
}

export interface OptionSpec {
  kind: 'flag' | 'value';
  placeholder?: string;
  short?: string;
  help: string;
}

export type Operands = Record<string, OperandSpec>;
export type Options = Record<string, OptionSpec>;

export interface Input<P extends Operands, O extends Options> {
  operands: { [K in keyof P]: P[K] extends { isOptional: true } ? string | undefined : string };
  options: { [K in keyof O]: O[K]['kind'] extends 'flag' ? boolean : O[K]['kind'] extends 'value' ? string | undefined : string | boolean | undefined };
  /** What stands behind `--`. */
  trailing: string[];
}

export interface CommandSpec<P extends Operands, O extends Options> {
  /** One or two words. */
  name: string;
  summary: string;
  operands: P;
  options: O;
  /** Placeholder of what may stand behind `--`. */
  trailing?: { placeholder: string; isOptional?: true };
  details?: string;
  examples?: string[];
  run(input: Input<P, O>, context: Context): Promise<Result>;
}

/** Any command, its types forgotten. */
export type Command = CommandSpec<Operands, Options>;

export function command<const P extends Operands, const O extends Options>(spec: CommandSpec<P, O>): Command {
  return spec as unknown as Command;
}

export const globalOptions = {
  json: { kind: 'flag', help: 'print one JSON object and nothing else' },
  help: { kind: 'flag', short: 'h', help: 'explain the command' },
} as const satisfies Options;
