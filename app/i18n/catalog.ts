/** All messages. */
import { commandLabels } from '../../main/contract/command-labels';
import type { CommandId } from '../../main/contract/commands';
import { locales } from '../../main/contract/locales';
import type { Locale } from '../../main/contract';
import { commonMessages } from './messages/common';
import { hostMessages } from './messages/host';
import { moveMessages } from './messages/move';
import { overviewMessages } from './messages/overview';
import { podMessages } from './messages/pod';
import { settingsMessages } from './messages/settings';
import { streamMessages } from './messages/stream';
import { taskMessages } from './messages/task';

const areas = [commonMessages, overviewMessages, moveMessages, hostMessages, podMessages, taskMessages, settingsMessages, streamMessages];

type IdsOf<T> = T extends Record<Locale, Record<infer Id, string>> ? Id : never;
export type MessageId =
  | IdsOf<typeof commonMessages>
  | IdsOf<typeof overviewMessages>
  | IdsOf<typeof moveMessages>
  | IdsOf<typeof hostMessages>
  | IdsOf<typeof podMessages>
  | IdsOf<typeof taskMessages>
  | IdsOf<typeof settingsMessages>
  | IdsOf<typeof streamMessages>
  | `command.${CommandId}`;

/** A message in the language of the window. */
export type Text = (id: MessageId, values?: Record<string, string | number>) => string;

function collect(locale: Locale): Record<MessageId, string> {
  const labels = Object.entries(commandLabels[locale]).map(([id, label]) => [`command.${id}`, label]);
  return Object.assign({}, ...areas.map((area) => area[locale]), Object.fromEntries(labels)) as Record<MessageId, string>;
}

export const catalog = Object.fromEntries(locales.map((locale) => [locale, collect(locale)])) as Record<Locale, Record<MessageId, string>>;
