import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MoveHistory, type PastMove } from './history';

const cost = { downtimeMs: 100, totalMs: 1000, sentBytes: 1e6 };
const past = (pod: string): PastMove => ({ pod, from: 'alpha', to: 'beta', memoryBytes: 80e6, modelled: cost, seen: cost });

describe('MoveHistory', () => {
  let home: string;
  const file = (): string => join(home, 'moves.json');
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'zap-moves-'))));
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('keeps what moves at once have to say, and forgets the oldest', async () => {
    await Promise.all(Array.from({ length: 210 }, (_, index) => new MoveHistory(home).add(past(String(index)))));
    const pods = (await new MoveHistory(home).past()).map(({ pod }) => pod);
    expect(pods).toEqual(Array.from({ length: 200 }, (_, index) => String(index + 10)));
  });

  it.each(['{', '{"version":2,"moves":[]}', '{"version":1,"moves":[{"pod":1}]}'])('does without %s', async (text) => {
    writeFileSync(file(), text);
    expect(await new MoveHistory(home).past()).toEqual([]);
    await new MoveHistory(home).add(past('a'));
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ version: 1, moves: [{ pod: 'a' }] });
  });
});
