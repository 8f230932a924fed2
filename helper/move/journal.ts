/**
 * What each side of a transfer has promised, written before it acts.
 *
 * After a crash the journal alone says what to do: a source that had not committed keeps its POD, one that had makes sure that the other side hears of
 * it; a target never runs what it was not told to. A journal is JSON lines: the entry, then what changes of it. The last whole line counts.
 */
import { closeSync, fdatasyncSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PodId, TransferId } from '../protocol/model';
import { stateRoot } from '../pod/record';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';

const Init = z.strictObject({ pid: z.number(), startTicks: z.number() });

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
    /** `open`: nothing promised. `restored`: said to be ready, so only the source knows how it ends. `settled`: it is here, which the source may not have heard. */
    phase: z.enum(['open', 'restored', 'settled']),
    /** The first of the processes that stand there frozen, once it is restored to run. */
    init: Init.optional(),
    /** Where it listens for the source's word, should this helper have to be started again. */
    port: z.number().nullable(),
    key: z.string(),
    isClone: z.boolean(),
  }),
]);
export type JournalEntry = z.infer<typeof JournalEntry>;
export type SourceJournal = Extract<JournalEntry, { role: 'source' }>;
export type TargetJournal = Extract<JournalEntry, { role: 'target' }>;

function pathOf(entry: { transfer: string; role: string }): string {
  return join(stateRoot, 'transfers', `${entry.transfer}.${entry.role}.json`);
}

/** On disk when it returns. */
export function openJournal(entry: JournalEntry): void {
  writeFileAtomic(pathOf(entry), `${JSON.stringify(entry)}\n`);
}

/**
 * Adds a line. A durable one survives a power cut; one that only speaks of what a power cut ends anyway (processes, images in memory) need not, and does
 * not keep a frozen POD waiting for the disk.
 */
export function advanceJournal<Entry extends JournalEntry>(entry: Entry, change: Partial<Entry>, options: { isDurable: boolean }): Entry {
  const fd = openSync(pathOf(entry), 'a', 0o600);
  try {
    writeSync(fd, `${JSON.stringify(change)}\n`);
    if (options.isDurable) fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return { ...entry, ...change };
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
    return text === undefined ? [] : [parseJournal(text)];
  });
}

/** A last line without its end was being written when the power went: it was not promised yet. */
export function parseJournal(text: string): JournalEntry {
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  return JournalEntry.parse(Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)));
}
