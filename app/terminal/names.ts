/** Names of a POD's terminals: the first is `main`, which every POD has, further ones are numbered. */
export function nextName(taken: readonly string[]): string {
  if (!taken.includes('main')) return 'main';
  for (let number = 2; ; number++) if (!taken.includes(`t${number}`)) return `t${number}`;
}
