/** Text on its way from the clipboard into a shell. */

/** How many lines a shell would see; one that ends its line is two, because it runs. */
export function countLines(text: string): number {
  return text.split(/\r\n|\r|\n/).length;
}

export function asOneLine(text: string): string {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line !== '').join(' ');
}
