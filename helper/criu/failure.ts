/** From CRIU's log to an error that a person can act on. */
import { ZapError } from '../protocol/errors';
import { causes } from './failure-causes';

export interface CriuFailure {
  operation: 'dump' | 'restore' | 'check';
  log: string;
  /** What CRIU wrote to its standard output and error: the loader's or its usage complaint when it could not even start. */
  output?: string;
  /** The answer's own words: its first error, and an error number. */
  message?: string | undefined;
  errno?: number | undefined;
}

const linesBefore = 5;
const mostEvidence = 60;

/** In every log of a root without CAP_SYS_RESOURCE, and without consequence. */
const harmless = /rlimit: Can't setup RLIMIT_NOFILE for self/;
const isError = (line: string) => /\bError \(/.test(line) && !harmless.test(line);

export function criuFailure(failure: CriuFailure): ZapError {
  const { operation, log, output = '', message } = failure;
  const lines = log.split('\n').filter((line) => line !== '' && !harmless.test(line));
  const errors = lines.filter(isError);
  const evidence = evidenceOf(lines);
  if (message !== undefined && message.trim() !== '' && !harmless.test(message) && !errors.some((line) => line.includes(message.trim()))) {
    errors.push(message);
    if (evidence.length === 0) evidence.push(message.trim());
  }
  evidence.push(...output.split('\n').filter((line) => line !== '').slice(-10));
  const data = { operation, ...(failure.errno === undefined ? {} : { errno: failure.errno }) };
  for (const cause of causes) {
    for (const line of errors) {
      const match = cause.pattern.exec(line);
      if (match) {
        const isTransient = cause.isTransient ?? false;
        return new ZapError(cause.code, cause.message(match), { hint: cause.hint, evidence, data: { ...data, isTransient } });
      }
    }
  }
  const first = errors[0] === undefined ? '' : `: ${shorten(errors[0])}`;
  const general = {
    dump: new ZapError('criu/dump-failed', `CRIU could not checkpoint the POD${first}.`, { evidence, data }),
    restore: new ZapError('criu/restore-failed', `CRIU could not restore the POD${first}.`, { evidence, data }),
    check: new ZapError('criu/check-failed', `CRIU cannot work on this host${first}.`, { evidence, data }),
  };
  return general[operation];
}

/** Each error line with up to five lines before it, in the log's order, none twice. */
export function evidenceOf(lines: readonly string[]): string[] {
  const evidence: string[] = [];
  let next = 0;
  lines.forEach((line, index) => {
    if (!isError(line)) return;
    evidence.push(...lines.slice(Math.max(next, index - linesBefore), index + 1));
    next = index + 1;
  });
  return evidence.slice(0, mostEvidence);
}

function shorten(line: string): string {
  return line.replace(/^.*\bError \([^)]*\):\s*/, '').trim().replace(/[.\s]+$/, '');
}
