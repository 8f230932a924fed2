/**
 * One command line for a remote login shell out of an argument list.
 *
 * SSH carries a string, and the user's login shell takes it apart. Single quotes stop every expansion of sh, bash, zsh, dash and fish; a line feed is the
 * one byte that csh would not take inside them.
 */
import { ZapError } from '../../helper/protocol/errors';

export function shellQuote(argv: readonly string[]): string {
  return argv.map(quoteOne).join(' ');
}

function quoteOne(argument: string): string {
  if (argument.includes('\0')) throw new ZapError('usage/nul-in-argument', 'An argument contains a NUL byte, which no command line can carry.');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}
