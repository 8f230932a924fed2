/**
 * What each side of a transfer has promised, written before it acts.
 *
 * After a crash the journal alone says what to do: a source that had not committed keeps its POD, one that had makes sure that the other side hears of
 * it; a target never runs what it was not told to. A journal is JSON lines: the entry, then what changes of it. The last whole line counts.
 */
import { closeSync, fdatasyncSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { PodId, TransferId } from '../protocol/model';
import { stateRoot } from '../pod/paths';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { reach } from '../system/fault-point';

const Init = z.strictObject({ pid: z.number(), startTicks: z.number() });

export const JournalEntry = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('source'),
    version: z.literal(1),
    transfer: TransferId,
    pod: PodId,
    /** See `SourcePhase`. From `committed` on its images stay here until the target runs it. */
    phase: z.enum(['open', 'committed', 'given-up', 'done', 'superseded']),
    peer: z.union([z.strictObject({ addresses: z.array(z.string()), port: z.number() }), z.literal('relay')]),
    key: z.string(),
  }),
  z.strictObject({
    role: z.literal('target'),
    version: z.literal(1),
    transfer: TransferId,
    pod: PodId,
    /** See `TargetPhase`. */
    phase: z.enum(['open', 'restored', 'resuming', 'settled', 'lost']),
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
  reach(`journal ${entry.role} ${String(change.phase)}`);
  const fd = openSync(pathOf(entry), 'a', 0o600);
  try {
    const line = `\n${JSON.stringify(change)}\n`; // the first end of line closes one that could not be written whole
    if (writeSync(fd, line) < Buffer.byteLength(line)) throw new ZapError('system/disk-full', 'The journal of a transfer could not be written: the disk of this host is full.', { hint: 'Free some space under /var/lib/zap.' });
    if (options.isDurable) fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return { ...entry, ...change };
}

export function closeJournal(entry: { transfer: string; role: string }): void {
  rmSync(pathOf(entry), { force: true });
  rmSync(wordPath(entry.transfer, entry.role), { force: true });
}

export function findJournal<Role extends JournalEntry['role']>(transfer: string, role: Role): Extract<JournalEntry, { role: Role }> | undefined {
  const text = readFileIfThere(pathOf({ transfer, role }));
  return text === undefined ? undefined : (parseJournal(text) as Extract<JournalEntry, { role: Role }>);
}

/** Since its last line. */
export function journalAgeMs(entry: { transfer: string; role: string }): number {
  return Date.now() - (statSync(pathOf(entry), { throwIfNoEntry: false })?.mtimeMs ?? 0);
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

/** A line that is not whole was being written when the power went, or the disk was full: it was not promised. */
export function parseJournal(text: string): JournalEntry {
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  return JournalEntry.parse(Object.assign({}, ...lines.map(parseLine)));
}

function parseLine(line: string): object {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}

/**
 * What others of this host (a person, or a desktop that carries the other side's word) have to say to whoever holds a transfer. A file beside the journal,
 * so that it finds its way to any helper process.
 */
export function leaveWord(transfer: string, role: 'source' | 'target', word: string): void {
  writeFileAtomic(wordPath(transfer, role), word);
}

/** Takes the word that was left, if there is one. */
export function takeWord(transfer: string, role: 'source' | 'target'): string | undefined {
  const text = readFileIfThere(wordPath(transfer, role));
  if (text !== undefined) rmSync(wordPath(transfer, role), { force: true });
  return text;
}

function wordPath(transfer: string, role: string): string {
  return join(stateRoot, 'transfers', `${transfer}.${role}.word`);
}
