/** How the demo talks: numbered acts, the commands as one would type them, facts beneath. */
const isColoured = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const style = (code: string, text: string): string => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = (text: string): string => style('1', text);
export const dim = (text: string): string => style('2', text);

let acts = 0;

export function title(text: string): void {
  console.log(`\n${bold(text)}`);
}

export function act(text: string): void {
  console.log(`\n${bold(`${++acts}. ${text}`)}`);
}

export function say(text: string): void {
  for (const line of wrap(text, 90)) console.log(`   ${line}`);
}

/** A command that is about to run. */
export function typed(command: string): void {
  console.log(`   ${style('36', `$ npx zap ${command}`)}`);
}

export function fact(label: string, text: string): void {
  console.log(`     ${dim(label.padEnd(14))} ${text}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
