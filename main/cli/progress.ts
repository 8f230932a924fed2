/** Phases of a long operation as lines on a terminal: the running one with bytes and rate, the past ones with what they took. */
import { formatBytes, formatMs } from './format';
import type { Output } from './output';

export interface ProgressEvent {
  phase: string;
  bytes?: number | undefined;
  totalBytes?: number | undefined;
  isCommitted?: boolean | undefined;
}

export class PhaseProgress {
  private phase: string | undefined;
  private startedMs = 0;
  private firstBytes = 0;
  private last: ProgressEvent | undefined;
  private isCommitted = false;

  constructor(
    private readonly output: Output,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  readonly on = (event: ProgressEvent): void => {
    if (event.phase !== this.phase) {
      this.finishPhase();
      this.phase = event.phase;
      this.startedMs = this.nowMs();
      this.firstBytes = event.bytes ?? 0;
    }
    this.last = event;
    this.isCommitted ||= event.isCommitted === true;
    this.output.progress(`${this.line(event)}${this.isCommitted ? '  (can no longer be cancelled)' : ''}`);
  };

  end(): void {
    this.finishPhase();
    this.output.endProgress();
  }

  private finishPhase(): void {
    if (this.phase !== undefined && this.last) this.output.progressDone(`${this.line(this.last)}  ${formatMs(this.nowMs() - this.startedMs)}`);
    this.phase = undefined;
    this.last = undefined;
  }

  private line({ phase, bytes, totalBytes }: ProgressEvent): string {
    const name = phase.padEnd(12);
    if (bytes === undefined) return name.trimEnd();
    const elapsedMs = this.nowMs() - this.startedMs;
    const rate = elapsedMs > 50 ? `  ${formatBytes(((bytes - this.firstBytes) / elapsedMs) * 1000)}/s` : '';
    return `${name} ${formatBytes(bytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}${rate}`;
  }
}
