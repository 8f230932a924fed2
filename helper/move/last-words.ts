/** What is still being said to the other host when a call has been answered: the helper does not end before. Each of them ends by itself, soon. */
const beingSaid = new Set<Promise<void>>();

export function sayMeanwhile(words: Promise<void>): void {
  const said = words.catch(() => {}).then(() => void beingSaid.delete(said)); // what was not heard the next helper says again
  beingSaid.add(said);
}

export async function allSaid(): Promise<void> {
  while (beingSaid.size > 0) await Promise.all(beingSaid);
}
