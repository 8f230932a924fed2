/**
 * How long a terminal waits before it takes in more: nothing, but for a flood.
 *
 * Each picture of a flood costs processor time, here and where it is made, and nobody reads sixty of them a second. What is let wait stays in the POD, where tmux draws the latest screen for it.
 */
const BYTES_PER_S = 1 << 20;
const BURST_BYTES = 1 << 20;

export class Pace {
  private debtBytes = 0;
  private lastMs = 0;

  /** Milliseconds to wait after so many bytes, given the time. */
  after(bytes: number, nowMs: number): number {
    const paidBytes = ((nowMs - this.lastMs) / 1000) * BYTES_PER_S;
    this.debtBytes = Math.max(0, this.debtBytes - paidBytes) + bytes;
    this.lastMs = nowMs;
    return Math.max(0, ((this.debtBytes - BURST_BYTES) / BYTES_PER_S) * 1000);
  }
}
