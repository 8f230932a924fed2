import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { podOf } from '../../test/fakes/nouns';
import type { Fleet } from '../helper-client/fleet';
import { Doubts } from './doubts';

const asked = vi.fn(async () => ({ answers: [], failures: [] }));
const fleet = { askAll: asked, inventory: { zapHome: '/nonexistent' } } as unknown as Fleet;
const inDoubt = [{ host: 'beta', pod: podOf('in-doubt') }];

it('asks all hosts as long as one says that a POD is in doubt, and then what they have', async () => {
  const onCarried = vi.fn();
  using doubts = new Doubts(fleet, onCarried, 20);
  doubts.notice([{ host: 'beta', pod: podOf('running') }]);
  await delay(30);
  expect(asked).not.toHaveBeenCalled();
  doubts.notice(inDoubt);
  doubts.notice(inDoubt);
  await vi.waitFor(() => expect(onCarried.mock.calls.length).toBeGreaterThan(2));
  doubts.notice([]);
  await delay(30);
  const { length } = asked.mock.calls;
  await delay(60);
  expect(asked.mock.calls.length).toBe(length);
});
