/** One run of the command: parse, do, print, exit status. */
import { ZapError } from '../../helper/protocol/errors';
import { commands } from './verbs/table';
import { Context, type ContextOptions } from './context';
import { commandHelp, overview } from './help';
import { Output, type Sink } from './output';
import { parseArguments } from './parse';
import type { TerminalInput } from './prompter';

export interface Io {
  stdin: TerminalInput;
  stdout: Sink;
  stderr: Sink;
}

/** What stands behind `--` is not for us. */
export function wantsJson(argv: readonly string[]): boolean {
  return (argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv).includes('--json');
}

export async function runCli(argv: readonly string[], io: Io, { zapHome, distDirectory, signal }: Pick<ContextOptions, 'zapHome' | 'distDirectory' | 'signal'>): Promise<number> {
  const output = new Output(io.stdout, io.stderr, wantsJson(argv));
  try {
    const parsed = parseArguments(commands, argv);
    if (parsed.kind === 'help') {
      const text = parsed.command ? commandHelp(parsed.command) : overview(commands);
      output.result({ json: { help: text }, text });
      return 0;
    }
    const context = new Context({ zapHome, distDirectory, signal, output, stdin: io.stdin, isJson: parsed.isJson });
    try {
      const result = await parsed.command.run(parsed.input, context);
      output.result(result);
      return result.exitCode ?? 0;
    } finally {
      await context.close();
    }
  } catch (thrown) {
    const error = ZapError.from(thrown);
    output.error(error);
    return error.exitCode;
  }
}
