import { describe, expect, it } from 'vitest';
import { demoWorld, makeHost } from '../../test/fakes/app/worlds';
import { planFor } from '../../test/fakes/app/plans';
import { languageOf } from '../i18n/text';
import { planLine, whereSentence } from './describe';
import { stageOf } from './stages';

const language = languageOf('en');
const { pods, hosts } = demoWorld();
const research = pods[0]!;
const line = (host: string): string => planLine(planFor(research, hosts.find(({ name }) => name === host) ?? makeHost(host)), language);

describe('a plan in one line', () => {
  it('says how, how much and how long', () => expect(line('beta')).toBe('Live, 180 MB, pause about 0.31 s'));
  it('leaves out what nobody has measured', () => expect(planLine({ ...planFor(research, makeHost('beta')), predictedBytes: null, predictedDowntimeMs: null }, language)).toBe('Live, size not known yet'));
  it('counts warnings', () => expect(line('warned')).toBe('Live, 180 MB, pause about 0.31 s, 1 warning'));
  it('says why not', () => expect(line('gamma')).toContain('aarch64'));
  it('knows where it is', () => expect([line('alpha'), line('local')]).toEqual(['It is here already', 'Not known yet whether it can run here']));
});

describe('where a POD is', () => {
  it('is said first, and that nothing was lost when nothing was', () => {
    expect(whereSentence({ host: 'alpha', state: 'running' }, language.t, 'alpha')).toBe('Still running on alpha. Nothing was lost.');
    expect(whereSentence({ host: 'beta', state: 'running' }, language.t, 'alpha')).toBe('It runs on beta.');
    expect(whereSentence({ host: 'alpha', state: 'lost' }, language.t)).not.toContain('Nothing was lost');
    expect(whereSentence(undefined, language.t)).toContain('nothing runs twice');
  });
});

it('knows stages of the helper’s steps, and takes nothing else for one', () => {
  expect(['memory', 'freeze and dump', 'restore', 'toString', 'unheard of'].map(stageOf)).toEqual(['copy', 'pause', 'restore', undefined, undefined]);
});
