/**
 * What is printed where: the result on standard output, everything that accompanies it on standard error.
 *
 * Progress is for a person at a terminal; programs that ask for JSON get one object and silence besides.
 */
import type { ZapError } from '../../helper/protocol/errors';
import { printable } from './format';

export interface Sink {
  write(text: string | Uint8Array): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  once?(event: 'drain', listener: () => void): unknown;
}

export interface Result {
  /** The one object that `--json` prints. */
  json: object;
  /** What people read instead; nothing when absent. */
  text?: string;
  exitCode?: number;
}

export class Output {
  private hasProgressLine = false;

  constructor(
    readonly stdout: Sink,
    readonly stderr: Sink,
    readonly isJson: boolean,
  ) {}

  get showsProgress(): boolean {
    return !this.isJson && this.stderr.isTTY === true;
  }

  /** Replaces the one line of progress. */
  progress(text: string): void {
    if (!this.showsProgress) return;
    this.stderr.write(`\r\x1b[K${printable(text).slice(0, (this.stderr.columns ?? 80) - 1)}`);
    this.hasProgressLine = true;
  }

  /** Leaves a line of progress standing. */
  progressDone(text: string): void {
    if (!this.showsProgress) return;
    this.stderr.write(`${this.hasProgressLine ? '\r\x1b[K' : ''}${printable(text)}\n`);
    this.hasProgressLine = false;
  }

  endProgress(): void {
    if (this.hasProgressLine) this.stderr.write('\r\x1b[K');
    this.hasProgressLine = false;
  }

  /** A line for people that is neither progress nor failure. */
  notice(text: string): void {
    if (this.isJson) return;
    this.endProgress();
    this.stderr.write(`zap: ${printable(text)}\n`);
  }

  result({ json, text }: Result): void {
    this.endProgress();
    if (this.isJson) this.stdout.write(`${JSON.stringify(json)}\n`);
    else if (text !== undefined && text !== '') this.stdout.write(printable(text.endsWith('\n') ? text : `${text}\n`)); // whatever a host or a POD put into it
  }

  error(error: ZapError): void {
    this.endProgress();
    if (this.isJson) {
      this.stdout.write(`${JSON.stringify({ error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) } })}\n`);
      return;
    }
    const oneLine = (text: string): string => printable(text).replace(/\s*\n\s*/g, ' ');
    this.stderr.write(`zap: ${oneLine(error.message)}\n`);
    if (error.hint !== undefined) this.stderr.write(`     ${oneLine(error.hint)}\n`);
    if (error.code.startsWith('internal/') || error.code.startsWith('criu/')) {
      for (const line of (error.evidence ?? []).slice(-12)) this.stderr.write(`     | ${oneLine(line)}\n`);
    }
  }
}
