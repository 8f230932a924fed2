/** What the user interface may ask about the app itself: its state, tasks, questions and settings. */
import { ZapError } from '../../helper/protocol/errors';
import { calls, type CallName } from '../contract';
import type { Answers, Named } from './answers';
import type { Desk } from './desk';
import { diagnostics } from './diagnostics';
import type { Thumbnails } from './thumbnails';

type AppCalls = Named<'state'> | Named<'task'> | Named<'prompt'> | Named<'settings'> | Named<'thumbnails'> | 'app.diagnostics';

/** `again` asks a call of the contract as if a person had. */
export function appCalls(desk: Desk, thumbnails: Thumbnails, again: (name: CallName, input: unknown) => Promise<unknown>): Answers<AppCalls> {
  const { board, store, prompts } = desk;
  return {
    async 'state.snapshot'() {
      return store.snapshot();
    },
    async 'task.cancel'({ task }) {
      board.cancel(task);
      return {};
    },
    async 'task.repeat'({ task }) {
      const { name, input } = board.requestOf(task);
      if (!Object.hasOwn(calls, name)) throw new ZapError('usage/not-repeatable', 'This version of Zap does not know how to do it again.');
      return (await again(name as CallName, calls[name as CallName].in.parse(input))) as { task: string };
    },
    async 'task.log'({ task }) {
      return { text: await board.log(task) };
    },
    async 'task.history'(input) {
      return { tasks: board.older(input) };
    },
    async 'task.clear'() {
      await board.clear();
      return {};
    },
    async 'app.diagnostics'({ task }) {
      return { text: await diagnostics(desk, task) };
    },
    async 'prompt.answer'({ prompt, answer }) {
      prompts.answer(prompt, answer);
      return {};
    },
    async 'settings.change'(patch) {
      store.setSettings(await desk.settings.change(patch));
      return {};
    },
    async 'thumbnails.watch'({ pods }) {
      thumbnails.watch(pods);
      return {};
    },
  };
}
