import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatMs, formatTable, printable } from './format';
import { Output } from './output';
import { PhaseProgress } from './progress';
import { ZapError } from '../../helper/protocol/errors';

describe('formatting', () => {
  it.each([[0, '0 B'], [999, '999 B'], [1000, '1.00 KB'], [15_300, '15.3 KB'], [999_999, '1.00 MB'], [1.08e9, '1.08 GB']])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([[0.04, '0.0 ms'], [4.26, '4.3 ms'], [120.4, '120 ms'], [9_999, '9999 ms'], [61_000, '61.0 s']])('%d ms', (ms, text) => expect(formatMs(ms)).toBe(text));
  it.each([[0, '0 s'], [89, '89 s'], [300, '5 min'], [7200, '2 h'], [300_000, '3 d']])('%d s ago', (seconds, text) => {
    expect(formatAge('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)).toBe(text);
  });

  it('lays out a table', () => {
    expect(formatTable(['NAME', 'SIZE'], [['a', '1'], ['long name', '100']], { numeric: [1] })).toBe('NAME       SIZE\na             1\nlong name   100');
  });

  it('lets nothing through that a terminal obeys', () => {
    expect(printable('a\x1b]0;title\x07b\x9b31mc\td\n')).toBe('a]0;titleb31mc\td\n');
  });
});

/** Collects what is written, as a terminal or as a pipe. */
function sinks(isTTY: boolean) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({ isTTY, columns: 60, write: (text: string | Uint8Array) => (written[name] += String(text)) });
  return { written, stdout: sink('stdout'), stderr: sink('stderr') };
}

describe('Output', () => {
  const error = new ZapError('pod/not-found', 'There is no\nPOD \x1b[31m"x".', { hint: 'Look.', data: { secret: 1 } });

  it('prints one JSON object and nothing else', () => {
    const { written, stdout, stderr } = sinks(true);
    const output = new Output(stdout, stderr, true);
    output.progress('p');
    output.notice('n');
    output.result({ json: { a: 1 }, text: 'text' });
    expect(written).toEqual({ stdout: '{"a":1}\n', stderr: '' });
  });

  it('prints an error as one object, or as one clear line and a hint', () => {
    const asJson = sinks(false);
    new Output(asJson.stdout, asJson.stderr, true).error(error);
    expect(JSON.parse(asJson.written.stdout)).toEqual({ error: { code: 'pod/not-found', message: error.message, hint: 'Look.' } });
    expect(asJson.written.stderr).toBe('');
    const asText = sinks(false);
    new Output(asText.stdout, asText.stderr, false).error(error);
    expect(asText.written).toEqual({ stdout: '', stderr: 'zap: There is no POD [31m"x".\n     Look.\n' });
  });

  it('shows progress on a terminal only', () => {
    const pipe = sinks(false);
    new Output(pipe.stdout, pipe.stderr, false).progress('p');
    expect(pipe.written.stderr).toBe('');
  });
});

describe('PhaseProgress', () => {
  it('leaves a line for each phase, with bytes and rate', () => {
    const { written, stdout, stderr } = sinks(true);
    let nowMs = 0;
    const progress = new PhaseProgress(new Output(stdout, stderr, false), () => nowMs);
    progress.on({ phase: 'files', bytes: 0, totalBytes: 2_000_000 });
    nowMs = 1000;
    progress.on({ phase: 'files', bytes: 1_000_000, totalBytes: 2_000_000 });
    nowMs = 2000;
    progress.on({ phase: 'restore', isCommitted: true });
    nowMs = 2100;
    progress.end();
    const lines = written.stderr.split('\n').map((line) => line.split('\x1b[K').at(-1));
    expect(lines[0]).toBe('files        1.00 MB of 2.00 MB  500 KB/s  2000 ms');
    expect(written.stderr).toContain('restore  (can no longer be cancelled)');
    expect(lines[1]).toBe('restore  100 ms');
  });
});
