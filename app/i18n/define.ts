/** Messages of one area in all languages, side by side; the compiler refuses a language that lacks one. ICU syntax. */
import type { Locale } from '../../main/contract';

export type MessageTable<Id extends string> = Record<Locale, Record<Id, string>>;

export function messages<const Id extends string>(table: { en: Record<Id, string>; de: Record<NoInfer<Id>, string> }): MessageTable<Id> {
  return table;
}
