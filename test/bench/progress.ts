/** What people read while the figures go to standard output. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
