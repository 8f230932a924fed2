import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from './turns';

const never = new AbortController().signal;

test('no more than so many have a turn, in the order in which they came', async () => {
  const turns = new Turns(2, 60_000);
  const order: number[] = [];
  let [now, most] = [0, 0];
  const work = async (number: number): Promise<void> => {
    using _turn = await turns.take(never);
    order.push(number);
    most = Math.max(most, ++now);
    await sleep(2);
    now--;
  };
  await Promise.all([1, 2, 3, 4, 5].map(work));
  expect({ order, most }).toEqual({ order: [1, 2, 3, 4, 5], most: 2 });
});

test('who gives up waiting leaves the others their turn', async () => {
  const turns = new Turns(1, 60_000);
  const first = await turns.take(never);
  const impatient = new AbortController();
  const given = turns.take(impatient.signal);
  const last = turns.take(never);
  impatient.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  await expect(turns.take(impatient.signal)).rejects.toThrow('enough');
  first[Symbol.dispose]();
  (await last)[Symbol.dispose]();
  first[Symbol.dispose](); // a second time is nothing
  using again = await turns.take(never);
  expect(again).toBeDefined();
});

test('a turn that takes too long keeps nobody waiting', async () => {
  const turns = new Turns(1, 5);
  const stuck = await turns.take(never);
  const next = await turns.take(never);
  stuck[Symbol.dispose](); // its turn is over already
  let isFree = false;
  const third = turns.take(never).then((turn) => ((isFree = true), turn));
  await Promise.resolve();
  expect(isFree).toBe(false);
  next[Symbol.dispose]();
  (await third)[Symbol.dispose]();
});
