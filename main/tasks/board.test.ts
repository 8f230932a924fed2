import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import { Task } from '../contract';
import { TaskBoard, type TaskContext } from './board';
import { TaskHistory } from './history';

let home: string;
let shown: Task[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zap-tasks-'));
  shown = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const newBoard = (): TaskBoard => new TaskBoard(new TaskHistory(home), { onTask: (task) => shown.push(Task.parse(task)), onGone: () => {} });
const move = { kind: 'pod.move', subject: { pod: '0123456789ab', podName: 'desk', from: 'alpha', to: 'beta' }, canCancel: true, request: { name: 'pod.move', input: { pod: '0123456789ab', to: 'beta', resumes: true } }, isLive: true } as const;

async function ended(board: TaskBoard, id: string): Promise<Task> {
  const task = (await board.finished(id))!;
  await board.settled();
  return task;
}

describe('TaskBoard', () => {
  it('shows what is done, keeps what came of it, and its log', async () => {
    const board = newBoard();
    const id = board.start(move, async ({ progress, log }) => {
      progress({ phase: 'files', bytes: 1 });
      progress({ phase: 'send memory', bytes: 5, totalBytes: 10 });
      log('a note');
      progress({ phase: 'commit', isCommitted: true });
      return { downtimeMs: 80, note: 'It runs on beta.' };
    });
    expect(await ended(board, id)).toMatchObject({ state: { kind: 'done', outcome: { downtimeMs: 80 } }, canCancel: false, canRepeat: true });
    const progress = shown.flatMap(({ state }) => (state.kind === 'running' ? [state.progress] : []));
    expect(progress.map(({ phase }) => phase)).toEqual(['prepare', 'files', 'send memory', 'commit']);
    expect(progress.map(({ frozenSinceMs }) => frozenSinceMs !== undefined)).toEqual([false, false, true, true]);
    expect(progress.at(-1)!.isCommitted).toBe(true);
    expect((await board.log(id)).split('\n').map((line) => line.slice(25))).toEqual(['files', 'send memory', 'a note', 'commit', 'It runs on beta.', '']);

    const later = newBoard();
    expect(await later.load()).toEqual([]);
    expect(later.shown).toEqual([board.get(id)]);
    expect(later.requestOf(id)).toEqual(move.request);
    expect(await later.log(id)).toContain('a note');
    expect(statSync(join(home, 'tasks.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('cancels until the commit, and not after it', async () => {
    const board = newBoard();
    let context!: TaskContext;
    const id = board.start(move, (given) => {
      context = given;
      return new Promise((_, reject) => given.signal.addEventListener('abort', () => reject(new ZapError('cancelled/by-user', 'Cancelled.', { data: { pod: { name: 'desk', host: 'alpha', state: 'running' } } }))));
    });
    board.cancel(id);
    expect(shown.at(-1)!.state.kind).toBe('cancelling');
    context.progress({ phase: 'undo' });
    expect(shown.at(-1)!.state).toMatchObject({ kind: 'cancelling', progress: { phase: 'undo' } });
    expect((await ended(board, id)).state).toEqual({ kind: 'cancelled', whereabouts: { host: 'alpha', state: 'running' } });
    expect(() => board.cancel(id)).toThrow(/ended already/);

    let release!: () => void;
    const committed = board.start(move, async ({ progress }) => {
      progress({ phase: 'commit', isCommitted: true });
      await new Promise<void>((resolve) => (release = resolve));
      return {};
    });
    expect(() => board.cancel(committed)).toThrow(expect.objectContaining({ code: 'move/committed' }));
    release();
    expect((await ended(board, committed)).state.kind).toBe('done');
  });

  it('keeps what stood in the way, with its evidence and where the POD is', async () => {
    const board = newBoard();
    const id = board.start(move, async () => {
      throw new ZapError('criu/dump-failed', 'It cannot be frozen.', { hint: 'Close it.', evidence: ['Error (x): no'], data: { pod: { name: 'desk', host: 'alpha', state: 'running' } } });
    });
    expect((await ended(board, id)).state).toMatchObject({ kind: 'failed', error: { code: 'criu/dump-failed', evidence: ['Error (x): no'] }, whereabouts: { host: 'alpha', state: 'running' } });
    expect(await board.log(id)).toContain('Error (x): no');
  });

  it('tells tasks that were at work when the program ended, and survives a line that was cut off', async () => {
    const board = newBoard();
    const id = board.start(move, () => new Promise(() => {}));
    await board.settled();
    appendFileSync(join(home, 'tasks.jsonl'), '{"version":1,"task":{"id":"cut');
    const later = newBoard();
    expect((await later.load()).map(({ task }) => task.id)).toEqual([id]);
    await later.conclude(id, { kind: 'failed', error: { code: 'move/interrupted', message: 'm' } });
    await later.settled();
    const last = newBoard();
    expect(await last.load()).toEqual([]);
    expect(last.get(id)).toMatchObject({ state: { kind: 'failed' }, canCancel: false });
    expect(readFileSync(join(home, 'tasks.jsonl'), 'utf8')).not.toContain('"cut');
  });

  it('forgets what has ended, and only that', async () => {
    const board = newBoard();
    const done = board.start(move, async () => ({}));
    await ended(board, done);
    const still = board.start(move, () => new Promise(() => {}));
    await board.clear();
    expect(board.shown.map(({ id }) => id)).toEqual([still]);
    expect(await board.log(done)).toBe('');
    const later = newBoard();
    expect((await later.load()).map(({ task }) => task.id)).toEqual([still]);
  });
});
