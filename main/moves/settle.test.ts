import { describe, expect, it } from 'vitest';
import { errandOf } from './settle';

type Answers = Parameters<typeof errandOf>[0];
type Outcome = Answers[number]['value'];

const answers = (alpha: Partial<Outcome>, beta: Partial<Outcome>): Answers => [
  { host: 'alpha', value: { source: 'unknown', target: 'unknown', ...alpha } },
  { host: 'beta', value: { source: 'unknown', target: 'unknown', ...beta } },
];

describe('what a desktop carries between two hosts', () => {
  it.each([
    ['the commit, and the answer back', { source: 'committed' }, { target: 'restored' }, { word: 'commit', target: 'beta', source: 'alpha' }],
    ['the commit to a target that runs it and was not heard', { source: 'committed' }, { target: 'settled' }, { word: 'commit', target: 'beta', source: 'alpha' }],
    ['the commit to a target that was restarted', { source: 'committed' }, { target: 'lost' }, { word: 'commit', target: 'beta', source: 'alpha' }],
    ['that it was given up', { source: 'given-up' }, { target: 'restored' }, { word: 'abort', target: 'beta', source: 'alpha' }],
    ['that a source which wrote nothing has promised nothing', { source: 'abort' }, { target: 'restored' }, { word: 'abort', target: 'beta', source: undefined }],
    ['that nobody will ask any more', {}, { target: 'settled' }, { word: 'heard', target: 'beta', source: undefined }],
    ['that the target has nothing', { source: 'committed' }, {}, { answer: 'gone', source: 'alpha' }],
    ['that the target has it, and has forgotten how it came', { source: 'committed' }, { source: 'abort' }, { answer: 'running', source: 'alpha' }],
  ] as [string, Partial<Outcome>, Partial<Outcome>, ReturnType<typeof errandOf>][])('%s', (_what, alpha, beta, errand) => {
    expect(errandOf(answers(alpha, beta), { target: 'beta', isComplete: true })).toEqual(errand);
  });

  it.each([
    ['while the source is still at it', { source: 'open' }, { target: 'restored' }],
    ['while the target is still at it', { source: 'given-up' }, { target: 'open' }],
    ['when nobody knows of it', {}, {}],
    ['to a copy whose source is not to be found', {}, { target: 'restored' }],
    ['to a copy that runs, from a host that merely has the POD', { source: 'abort' }, { target: 'settled' }],
  ] as [string, Partial<Outcome>, Partial<Outcome>][])('nothing %s', (_when, alpha, beta) => {
    const errand = errandOf(answers(alpha, beta), { target: 'beta', isComplete: true });
    expect(errand && 'word' in errand && errand.word !== 'heard' ? errand : undefined).toBeUndefined();
  });

  it('does not take a silent target for one that has nothing', () => {
    expect(errandOf([{ host: 'alpha', value: { source: 'committed', target: 'unknown' } }], { target: 'beta', isComplete: false })).toBeUndefined();
    expect(errandOf(answers({ source: 'committed' }, {}), { target: undefined, isComplete: true })).toBeUndefined();
  });

  it('does not take a silent source for one that has heard', () => {
    expect(errandOf([{ host: 'beta', value: { source: 'unknown', target: 'settled' } }], { target: 'beta', isComplete: false })).toBeUndefined();
  });
});
