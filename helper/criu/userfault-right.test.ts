import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify } from '../system/process';
import { putUserfaultRightBack, UserfaultRight } from './userfault-right';

describe('UserfaultRight', () => {
  let home: string;
  let file: string;
  let notes: string;
  const value = (): string => readFileSync(file, 'utf8').trim();

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'zap-right-'));
    [file, notes] = [join(home, 'setting'), join(home, 'notes')];
    writeFileSync(file, '0\n');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('is there for as long as anybody needs it, and then no more', async () => {
    const first = await UserfaultRight.take(notes, file);
    const second = await UserfaultRight.take(notes, file);
    expect(value()).toBe('1');
    await first[Symbol.asyncDispose]();
    expect(value()).toBe('1');
    await second[Symbol.asyncDispose]();
    expect(value()).toBe('0');
    expect(readdirSync(home)).not.toContain('notes');
  });

  it('leaves a host alone that gives it to everybody', async () => {
    writeFileSync(file, '1\n');
    await (await UserfaultRight.take(notes, file))[Symbol.asyncDispose]();
    expect(readFileSync(file, 'utf8')).toBe('1\n');
  });

  it('is put back for a helper that died, unless another needs it', async () => {
    mkdirSync(notes);
    writeFileSync(file, '1');
    writeFileSync(join(notes, 'was'), '0');
    writeFileSync(join(notes, `${process.pid}-${identify(process.pid)!.startTicks + 1}-gone`), '');
    const alive = join(notes, `${process.pid}-${identify(process.pid)!.startTicks}-alive`);
    writeFileSync(alive, '');
    await putUserfaultRightBack(notes, file);
    expect(value()).toBe('1');
    rmSync(alive);
    await putUserfaultRightBack(notes, file);
    expect(value()).toBe('0');
    await putUserfaultRightBack(notes, file);
  });
});
