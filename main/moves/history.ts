/** What earlier moves took, each kept with what had been said of it: `predict` learns from them. */
import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere, replaceFile } from '../settings/atomic-file';

/** What a move costs, in all or by the model. */
export const Cost = z.strictObject({ downtimeMs: z.number().nonnegative(), totalMs: z.number().nonnegative(), sentBytes: z.number().nonnegative() });
export type Cost = z.infer<typeof Cost>;

const PastMove = z.strictObject({
  pod: z.string(),
  from: z.string(),
  to: z.string(),
  memoryBytes: z.number().nonnegative(),
  /** Without the environment, which is sent once. */
  modelled: Cost,
  seen: Cost,
  /** Of an environment that was sent along. */
  environment: z.strictObject({ bytes: z.number().positive(), ms: z.number().positive() }).optional(),
});
export type PastMove = z.infer<typeof PastMove>;

const KEPT_MOVES = 200;

const Document = z.strictObject({ version: z.literal(1), moves: z.array(PastMove) });

/** The moves that this installation has made: `moves.json`, the oldest forgotten. */
export class MoveHistory {
  private static readonly writing = new Map<string, Promise<void>>();
  private readonly file: string;

  constructor(zapHome: string) {
    this.file = join(zapHome, 'moves.json');
  }

  /** A file that cannot be used costs a worse prediction and nothing else. */
  async past(): Promise<PastMove[]> {
    try {
      return Document.parse(JSON.parse((await readIfThere(this.file)) ?? '{"version":1,"moves":[]}')).moves;
    } catch {
      return [];
    }
  }

  async add(move: PastMove): Promise<void> {
    const before = MoveHistory.writing.get(this.file) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(async () => replaceFile(this.file, JSON.stringify({ version: 1, moves: [...(await this.past()), move].slice(-KEPT_MOVES) })));
    MoveHistory.writing.set(this.file, mine);
    await mine;
  }
}
