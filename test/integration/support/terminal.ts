/** A person at a terminal: a real one, with `zap` running on it. */
import { Pty, type WindowSize } from '../../../helper/system/pty';
import { until } from './until';
import { program, type Zap } from './zap';

export class Terminal implements Disposable {
  private text = '';
  private readonly exited: Promise<number>;

  private constructor(private readonly pty: Pty) {
    pty.stream.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    this.exited = new Promise((resolve) => pty.child.once('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1))));
  }

  static run(zap: Zap, args: readonly string[], size: WindowSize = { columns: 100, rows: 30 }): Terminal {
    return new Terminal(Pty.start('env', [`ZAP_HOME=${zap.home}`, process.execPath, program, ...args], size, { term: 'xterm' }));
  }

  type(text: string): void {
    this.pty.stream.write(text);
  }

  resize(size: WindowSize): void {
    this.pty.resize(size);
  }

  /** Everything that was shown since the last time this matched. */
  async shows(pattern: RegExp, withinMs = 20_000): Promise<RegExpExecArray> {
    try {
      const match = await until(String(pattern), () => pattern.exec(this.text) ?? undefined, { withinMs });
      this.text = this.text.slice(match.index + match[0].length);
      return match;
    } catch (error) {
      throw new Error(`${(error as Error).message}; shown: ${JSON.stringify(this.text.slice(-2000))}`, { cause: error });
    }
  }

  async exitCode(): Promise<number> {
    return this.exited;
  }

  [Symbol.dispose](): void {
    this.pty.child.kill('SIGKILL');
    this.pty[Symbol.dispose]();
  }
}
