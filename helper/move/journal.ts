/**
 * What each side of a transfer has promised, written before it acts.
 *
 * After a crash the journal alone says what to do: a source that had not committed keeps its POD, one that had makes sure that the other side hears of
 * it; a target never runs what it was not told to.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PodId, TransferId } from '../protocol/model';
import { stateRoot } from '../pod/record';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';

export const JournalEntry = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('source'),
    version: z.literal(1),
    transfer: TransferId,
    pod: PodId,
    /** `open`: may still be undone. `committed`: the POD belongs to the target; its images stay here until the target runs it. */
    phase: z.enum(['open', 'committed']),
    peer: z.union([z.strictObject({ addresses: z.array(z.string()), port: z.number() }), z.literal('relay')]),
    key: z.string(),
  }),
  z.strictObject({
    role: z.literal('target'),
    version: z.literal(1),
    transfer: TransferId,
    pod: PodId,
    /** `open`: nothing promised. `restored`: said to be ready, so only the source knows how it ends. `committed`: it is ours. */
    phase: z.enum(['open', 'restored', 'committed']),
    /** Where it listens for the source's word, should this helper have to be started again. */
    port: z.number().nullable(),
    key: z.string(),
    isClone: z.boolean(),
  }),
]);
export type JournalEntry = z.infer<typeof JournalEntry>;

function pathOf(entry: { transfer: string; role: string }): string {
  return join(stateRoot, 'transfers', `${entry.transfer}.${entry.role}.json`);
}

/** On disk when it returns. */
export function writeJournal(entry: JournalEntry): void {
  writeFileAtomic(pathOf(entry), `${JSON.stringify(entry)}\n`);
}

export function closeJournal(entry: { transfer: string; role: string }): void {
  rmSync(pathOf(entry), { force: true });
}

export function readJournals(): JournalEntry[] {
  let names: string[];
  try {
    names = readdirSync(join(stateRoot, 'transfers'));
  } catch {
    return [];
  }
  return names.filter((name) => name.endsWith('.json')).flatMap((name) => {
    const text = readFileIfThere(join(stateRoot, 'transfers', name));
    return text === undefined ? [] : [JournalEntry.parse(JSON.parse(text))];
  });
}
