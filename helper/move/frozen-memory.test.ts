import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MemoryMap } from '../checkpoint/memory-map';
import { PageStore } from '../checkpoint/page-store';
import { imageMagic, writeImage } from '../criu/images';
import { ByteChannel } from '../files/byte-channel';
import { livePages, pageBytes } from '../system/live-pages';
import { innerPid } from '../system/process';
import { FrozenMemory } from './frozen-memory';
import { PageAppender } from './page-appender';
import { prefillPages, receivePageFiles } from './page-files';
import { receivePages, sendMemoryMap } from './page-sync';
import type { Channel } from './channel';

let base: string;
let from: string;
let to: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'zap-pages-'));
  [from, to] = [join(base, 'from'), join(base, 'to')];
  for (const path of [from, to]) mkdirSync(path);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** A page whose content is its number, so that equal numbers are equal pages. */
function pages(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(numbers.length * pageBytes);
  numbers.forEach((number, index) => bytes.fill(Buffer.from(`page ${number};`), index * pageBytes, (index + 1) * pageBytes));
  return bytes;
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]);

function pagemap(pagesId: number, entries: readonly { address: number; pages: number }[]): Buffer {
  const messages = entries.map(({ address, pages: count }) => Buffer.from([8, ...varint(address), 16, ...varint(count), 32, 2, 40, ...varint(count)]));
  return writeImage({ family: imageMagic.common, kind: 0x56084025, entries: [Buffer.from([8, ...varint(pagesId)]), ...messages] });
}

/** A process with `count` pages whose contents are `seed + index`; it changes pages when told, a line `index content` each. */
class Dirty {
  private constructor(private readonly child: ChildProcess) {}

  static async start(numbers: readonly number[]): Promise<Dirty> {
    const program = `
$| = 1;
my @numbers = split /,/, shift;
my $memory = "\\0" x (4096 * @numbers);
sub fill { my ($index, $number) = @_; substr($memory, $index * 4096, 4096) = substr("page $number;" x 1024, 0, 4096); }
fill($_, $numbers[$_]) for 0 .. $#numbers;
print "ready\\n";
while (<STDIN>) { fill(split); print "done\\n"; }
`;
    const child = spawn('perl', ['-e', program, numbers.join(',')], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout!, 'data');
    return new Dirty(child);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async change(index: number, number: number): Promise<void> {
    this.child.stdin!.write(`${index} ${number}\n`);
    await once(this.child.stdout!, 'data');
  }

  async end(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

test.skipIf(process.getuid?.() !== 0)('the files of a process come out as its memory is, whatever was sent ahead and has changed since', async () => {
  const count = 300;
  const process = await Dirty.start(Array.from({ length: count }, (_, index) => (index % 7 === 0 ? 7 : index)));
  try {
    const name = innerPid(process.pid)!;
    const source = new PageStore();
    const target = new PageStore();
    const map: MemoryMap = new Map([[name, []]]);
    const entries: { address: number; pages: number }[] = [];
    for (const { address, bytes, isExecutable, isSharedMemory } of livePages(process.pid)) {
      const numbers = Int32Array.from({ length: bytes.length / pageBytes }, (_, index) => source.add(bytes, index * pageBytes));
      entries.push({ address, pages: numbers.length });
      if (!isSharedMemory) map.get(name)!.push({ address, isExecutable, numbers });
    }
    for (let number = 0; number < source.count; number++) target.append(source.read(number, 1), 0);
    map.get(name)!.splice(2, 1); // something that was not there yet
    const layout = new ByteChannel();
    const prefilling = prefillPages(layout, to, target, { maxBytes: 1 << 30 });
    await sendMemoryMap(map, { send: async () => {}, sink: () => ({ write: (chunk: Buffer) => layout.write(chunk), end: async () => layout.end() }) } as unknown as Channel);
    const prefilled = await prefilling;
    await process.change(3, 5); // known content elsewhere
    await process.change(4, 4444);
    await process.change(299, 5555);
    globalThis.process.kill(process.pid, 'SIGSTOP');

    writeFileSync(join(from, `pagemap-${name}.img`), pagemap(9, entries));
    writeFileSync(join(from, 'pagemap-shmem-77.img'), pagemap(3, [{ address: 0, pages: 3 }]));
    writeFileSync(join(from, 'pages-3.img'), pages([1, 90_000, 2]));
    const [changes, records] = [new ByteChannel(), new ByteChannel()];
    let sentBytes = 0;
    const counting = (channel: ByteChannel) => ({ write: (chunk: Buffer) => ((sentBytes += chunk.length), channel.write(chunk)) });
    const received = (async () => {
      await receivePages(changes, target);
      await receivePageFiles(records, to, target, { maxBytes: 1 << 30 }, prefilled);
    })();
    const memory = new FrozenMemory(process.pid, { store: source, map }, counting(changes));
    await memory.known();
    changes.end();
    await memory.send(from, counting(records));
    records.end();
    await received;

    const expected: Buffer[] = [];
    const fd = openSync(`/proc/${process.pid}/mem`, 'r');
    for (const { address, pages: size } of entries) {
      const bytes = Buffer.alloc(size * pageBytes);
      readSync(fd, bytes, 0, bytes.length, address);
      expected.push(bytes);
    }
    closeSync(fd);
    expect(readFileSync(join(to, 'pages-9.img')).equals(Buffer.concat(expected))).toBe(true);
    expect(Buffer.concat(expected).includes(pages([4444]))).toBe(true);
    expect(readFileSync(join(to, 'pages-3.img')).equals(pages([1, 90_000, 2]))).toBe(true);
    expect(readdirSync(to).sort()).toEqual(['pages-3.img', 'pages-9.img']);
    expect(sentBytes).toBeLessThan(100 * pageBytes);
    const flags = readFileSync(join(from, `pagemap-${name}.img`));
    expect(flags.includes(Buffer.from([32, 4]))).toBe(true); // present, by us, and too few to be left out of a restore
    expect(flags.includes(Buffer.from([32, 2]))).toBe(false);
  } finally {
    await process.end();
  }
});

test('the files come out the same whatever was laid out before', async () => {
  const number = fc.nat(40);
  await fc.assert(fc.asyncProperty(fc.array(number, { maxLength: 60 }), fc.array(number, { minLength: 1, maxLength: 80 }), async (guess, wanted) => {
    for (const name of readdirSync(to)) rmSync(join(to, name));
    const store = new PageStore();
    const known = [...new Set([...guess, ...wanted])].filter((page) => page % 5 !== 0 || guess.includes(page));
    const bytes = pages(known);
    known.forEach((_, index) => store.append(bytes, index * pageBytes));
    const laidOut = (async function* () { yield record(8, guess.length, ...guess.flatMap((page) => [known.indexOf(page), 1])); })();
    const prefilled = guess.length > 0 ? await prefillPages(laidOut, to, store, { maxBytes: 1 << 30 }) : new Map();
    const stream = Buffer.concat([record(1, 0, 8), ...wanted.flatMap((page) => (known.includes(page) ? [record(1, 1, known.indexOf(page))] : [record(1, 0x80000001), pages([page])]))]);
    await receivePageFiles((async function* () { for (let at = 0; at < stream.length; at += 5000) yield stream.subarray(at, at + 5000); })(), to, store, { maxBytes: 1 << 30 }, prefilled);
    expect(readFileSync(join(to, 'pages-1.img')).equals(pages(wanted))).toBe(true);
    expect(readdirSync(to)).toEqual(['pages-1.img']);
  }), { numRuns: 60 });
});

test('what a store has more than it had is sent once', async () => {
  const store = new PageStore();
  const bytes = pages([1, 2, 3]);
  store.add(bytes, 0);
  const sent: Buffer[] = [];
  const appended = new PageAppender(store, { write: async (chunk) => void sent.push(Buffer.from(chunk)) });
  for (const offset of [0, pageBytes, 2 * pageBytes]) store.add(bytes, offset);
  await appended.flush();
  await appended.flush();
  expect(Buffer.concat(sent).equals(pages([2, 3]))).toBe(true);
});

const record = (...values: number[]): Buffer => Buffer.from(new Uint32Array(values).buffer);

test('what is no record, or speaks of pages that are not there, is refused', async () => {
  const store = new PageStore();
  const bytes = pages([1, 2]);
  for (const offset of [0, pageBytes]) store.append(bytes, offset);
  const begun = record(1, 0, 0);
  const bad = [record(1, 1, 0), [begun, record(1, 3, 0)], [begun, record(1, 1, 2)], [begun, begun], [begun, record(1, 0x80000000)], [begun, record(1, 0x80000001)], [begun, record(1, 1)], [begun, record(1, 0xffffffff)], record(0xffffffff, 0, 0), Buffer.alloc(3)];
  for (const stream of bad) {
    for (const name of readdirSync(to)) rmSync(join(to, name));
    await expect(receivePageFiles((async function* () { yield Buffer.concat([stream].flat()); })(), to, store, { maxBytes: 1 << 20 })).rejects.toMatchObject({ code: 'checkpoint/broken-pages' });
  }
  for (const layout of [record(5, 1, 0, 3), record(0, 1, 0, 1), Buffer.concat([record(5, 1, 0, 1), record(5, 1, 0, 1)])]) {
    for (const name of readdirSync(to)) rmSync(join(to, name));
    await expect(prefillPages((async function* () { yield layout; })(), to, store, { maxBytes: 1 << 20 })).rejects.toMatchObject({ code: 'checkpoint/broken-pages' });
  }
  await expect(receivePageFiles((async function* () { yield Buffer.concat([record(2, 0, 0), record(2, 2, 0)]); })(), to, store, { maxBytes: pageBytes })).rejects.toMatchObject({ code: 'checkpoint/too-large' });
});
