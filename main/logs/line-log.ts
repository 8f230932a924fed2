/** The last lines of what was said about one thing. */
const MAX_LINES = 500;
const MAX_LINE_CHARACTERS = 2_000;

export class LineLog {
  private readonly lines: string[] = [];

  add(text: string, atMs = Date.now()): void {
    const at = new Date(atMs).toISOString();
    for (const line of text.split('\n')) {
      if (line.trim() !== '') this.lines.push(`${at} ${line.slice(0, MAX_LINE_CHARACTERS)}`);
    }
    if (this.lines.length > MAX_LINES) this.lines.splice(0, this.lines.length - MAX_LINES);
  }

  get text(): string {
    return this.lines.join('\n');
  }
}
