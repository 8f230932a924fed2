/**
 * What a desktop has still to carry: kept, since the host that it is for may be out of reach for longer than this program runs.
 *
 * A copy that a person gave up where it had arrived: its source, once it is back, waits for a word of a host that knows nothing of the transfer any more, and that the copy
 * never ran is known to nobody but whoever was told so here. A copy that a person let run: a source that
 * had given the move up goes on, and has forgotten it by the time it is back. And the end of a move whose target was cut off right then: it keeps its answer for a source that will not ask.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere, replaceFile } from '../settings/atomic-file';

const KEPT = 100;
/** As long as a target keeps its answer. */
const FORGOTTEN_AFTER_MS = 7 * 86_400_000;

const Discarded = z.strictObject({ transfer: z.string(), host: z.string(), atMs: z.number() });
const Unheard = z.strictObject({ transfer: z.string(), pod: z.string(), hosts: z.array(z.string()), atMs: z.number() });
const LetRun = z.strictObject({ transfer: z.string(), pod: z.string(), host: z.string(), atMs: z.number() });
const Document = z.strictObject({ version: z.literal(1), discarded: z.array(Discarded), unheard: z.array(Unheard), letRun: z.array(LetRun) });
type Document = z.infer<typeof Document>;
export type UnheardEnd = Omit<z.infer<typeof Unheard>, 'atMs'>;

export class Errands {
  private readonly file: string;

  constructor(zapHome: string) {
    this.file = join(zapHome, 'errands.json');
  }

  async discarded(transfer: string, host: string): Promise<void> {
    await this.change((kept) => kept.discarded.push({ transfer, host, atMs: Date.now() }));
  }

  /** The host whose copy was given up before it ever ran. */
  async hostThatGaveUp(transfer: string): Promise<string | undefined> {
    return (await this.read()).discarded.find((one) => one.transfer === transfer)?.host;
  }

  /** Its source may have gone on all the same. */
  async letRun(transfer: string, pod: string, host: string): Promise<void> {
    await this.change((kept) => kept.letRun.push({ transfer, pod, host, atMs: Date.now() }));
  }

  async copiesLetRun(): Promise<{ transfer: string; pod: string; host: string }[]> {
    return (await this.read()).letRun;
  }

  async unheard(end: UnheardEnd): Promise<void> {
    await this.change((kept) => kept.unheard.push({ ...end, atMs: Date.now() }));
  }

  async unheardEnds(): Promise<UnheardEnd[]> {
    return (await this.read()).unheard;
  }

  async heard(transfer: string): Promise<void> {
    await this.change((kept) => (kept.unheard = kept.unheard.filter((one) => one.transfer !== transfer)));
  }

  private async change(edit: (kept: Document) => void): Promise<void> {
    const kept = await this.read();
    edit(kept);
    await replaceFile(this.file, `${JSON.stringify({ ...kept, discarded: kept.discarded.slice(-KEPT), unheard: kept.unheard.slice(-KEPT), letRun: kept.letRun.slice(-KEPT) })}\n`);
  }

  /** Without the file, or with one that nobody can read, a person decides at the source too, and a target forgets by itself. */
  private async read(): Promise<Document> {
    try {
      const kept = Document.parse(JSON.parse((await readIfThere(this.file)) ?? ''));
      const isDue = ({ atMs }: { atMs: number }): boolean => Date.now() - atMs < FORGOTTEN_AFTER_MS;
      return { ...kept, discarded: kept.discarded.filter(isDue), unheard: kept.unheard.filter(isDue), letRun: kept.letRun.filter(isDue) };
    } catch {
      return { version: 1, discarded: [], unheard: [], letRun: [] };
    }
  }
}
