/** Passphrases of suspended PODs, from a person or a file; never from an argument, which every user of the machine could read. */
import { readFile } from 'node:fs/promises';
import { ZapError } from '../../helper/protocol/errors';
import { Secret } from '../secrets/secret';
import type { Context } from './context';

export const passphraseFileOption = { 'passphrase-file': { kind: 'value', placeholder: 'FILE', help: 'read the passphrase from FILE (- is standard input)' } } as const;

export async function passphraseFrom(file: string | undefined, context: Context): Promise<Secret | undefined> {
  if (file === undefined) return undefined;
  const text = file === '-' ? await readAll(context) : await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ZapError('usage/passphrase-file', `The file "${file}" cannot be read.`, { cause });
  });
  return requireUsable(text.replace(/\r?\n$/, ''));
}

/** Asked for twice: nobody can find out later what was mistyped. */
export async function askNewPassphrase(context: Context): Promise<Secret> {
  const { prompter } = context.surroundings;
  if (!prompter?.canAsk) throw new ZapError('usage/passphrase-needed', 'There is nobody to ask for a passphrase.', { hint: 'Give it with --passphrase-file FILE.' });
  const first = await prompter.secret({ question: 'Passphrase to suspend with:', signal: context.signal });
  const second = await prompter.secret({ question: 'The same again:', signal: context.signal });
  if (first !== second) throw new ZapError('usage/passphrase-differs', 'The two passphrases differ.', { hint: 'Nothing was done. Try again.' });
  return requireUsable(first ?? '');
}

function requireUsable(text: string): Secret {
  if (text === '') throw new ZapError('usage/passphrase-empty', 'The passphrase is empty.');
  return new Secret(text);
}

async function readAll({ stdin }: Context): Promise<string> {
  let text = '';
  for await (const chunk of stdin) text += String(chunk);
  return text;
}
