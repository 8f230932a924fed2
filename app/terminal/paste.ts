/** Text on its way from the clipboard into a shell. */

/** One line that ends is enough for a shell to run it. */
export function mayRun(text: string): boolean {
  return /[\r\n]/.test(text);
}

export function countLines(text: string): number {
  return text.replace(/[\r\n]+$/, '').split(/\r\n|\r|\n/).length;
}

export function asOneLine(text: string): string {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line !== '').join(' ');
}
