/**
 * Who we are, said to a server: the agent's keys, then key files, then a password or whatever else the server asks.
 *
 * Each way is named before it is tried. What a person typed is kept once it has worked, and forgotten once it has not.
 */
import type { AnyAuthMethod } from 'ssh2';
import { utils, type ParsedKey } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import type { Prompter } from '../prompts/prompter';
import { secretIds, type Keyring } from '../secrets/keyring';
import { Secret } from '../secrets/secret';
import { lockedKey } from './agents';
import { identitiesOf, type Identity } from './identities';
import { formatTarget, type SshTarget } from './target';

const MAX_TRIES = 3;
/** A server may ask for one thing after the other; not for ever. */
const MAX_ROUNDS = 12;

export interface LoginSurroundings {
  prompter: Prompter;
  keyring: Keyring;
  /** What is being tried, for people. */
  onNote: (text: string) => void;
  signal?: AbortSignal | undefined;
}

interface ServerAnswer {
  /** Ways that the server would still take; null before it has said anything. */
  left: string[] | null;
  isPartial: boolean;
}

type Attempt = AnyAuthMethod;

export class Login {
  readonly tried: string[] = [];
  private readonly toKeep = new Map<string, Secret>();
  private lastAnswer: ServerAnswer = { left: null, isPartial: false };
  /** Ways that a person could have opened. */
  private readonly unanswered = new Set<'password' | 'passphrase'>();
  private readonly attempts: AsyncGenerator<Attempt, void, ServerAnswer>;

  private constructor(
    private readonly target: SshTarget,
    private readonly identities: readonly Identity[],
    private readonly surroundings: LoginSurroundings,
  ) {
    this.attempts = this.allAttempts();
  }

  /** Reads keys; a named one that cannot be read is told before anything is connected. */
  static async prepare(target: SshTarget, surroundings: LoginSurroundings): Promise<Login> {
    return new Login(target, await identitiesOf(target, surroundings.onNote), surroundings);
  }

  /** The next attempt, after the server's answer to the last one; undefined when there is none. */
  async next(left: string[] | null, isPartial: boolean | null): Promise<Attempt | undefined> {
    this.lastAnswer = { left, isPartial: isPartial === true };
    const { value } = await this.attempts.next(this.lastAnswer);
    return value ?? undefined;
  }

  async succeeded(): Promise<void> {
    for (const [id, secret] of this.toKeep) await this.surroundings.keyring.set(id, secret);
  }

  /** Why nobody was let in. */
  failure(cause?: unknown): ZapError {
    const { name, user, identityFile } = this.target;
    const data = { host: name, user, tried: [...this.tried], offered: this.lastAnswer.left ?? [] };
    if (this.unanswered.has('passphrase')) {
      const locked = this.identities.filter(({ kind }) => kind === 'locked').map((identity) => (identity as { path: string }).path);
      return new ZapError('host/identity-locked', `The key to log in to ${name} with is locked by a passphrase: ${locked.join(', ')}.`, { hint: 'Add it to an SSH agent (`ssh-add FILE`), or run this on a terminal, where it can be asked for.', data, cause });
    }
    if (this.unanswered.has('password')) {
      return new ZapError('host/auth-needs-answer', `${name} asks "${user}" for a password, and there is nobody here to ask.`, { hint: 'Run this on a terminal, or log in with a key: `ssh-copy-id`.', data, cause });
    }
    if (this.tried.length === 0) {
      return new ZapError('host/no-identity', `There is no key to log in to ${name} with: no identity file and no SSH agent.`, { hint: 'Name a key with `zap host add … --identity FILE`, or start an agent (SSH_AUTH_SOCK).', data, cause });
    }
    return new ZapError('host/auth-failed', `${name} does not let "${user}" in. Tried: ${this.tried.join(', ')}.`, {
      hint: identityFile ? `Is the public half of ${identityFile} in the host's authorized_keys?` : 'Name a key with --identity, or add one to the SSH agent.',
      data,
      cause,
    });
  }

  private async *allAttempts(): AsyncGenerator<Attempt, void, ServerAnswer> {
    let answer: ServerAnswer = { left: null, isPartial: false };
    let isStale = true;
    for (const identity of this.identities) {
      if (!isStale && (answer.isPartial || !answer.left?.includes('publickey'))) break;
      const attempt = await this.withKey(identity);
      if (!attempt) continue;
      answer = yield attempt;
      isStale = attempt.type === 'agent'; // ssh2 1.17 drops what the server says to a key of an agent
    }
    if (isStale) answer = yield { type: 'none', username: this.target.user }; // only to hear what the server takes
    const triesLeft = { password: MAX_TRIES, 'keyboard-interactive': MAX_TRIES };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const way = (['password', 'keyboard-interactive'] as const).find((candidate) => answer.left?.includes(candidate) && triesLeft[candidate] > 0);
      if (!way) return;
      triesLeft[way]--;
      const attempt = way === 'password' ? await this.withPassword() : this.withAnswers();
      if (attempt) answer = yield attempt;
      else triesLeft[way] = 0;
    }
  }

  private async withKey(identity: Identity): Promise<Attempt | undefined> {
    const username = this.target.user;
    switch (identity.kind) {
      case 'agent':
        this.note(identity.label);
        return { type: 'agent', username, agent: identity.agent };
      case 'file':
        this.note(identity.label);
        return { type: 'publickey', username, key: identity.key };
      case 'locked': {
        const { publicKey } = identity;
        if (publicKey) {
          this.note(identity.label);
          return { type: 'agent', username, agent: lockedKey(publicKey, () => this.unlock(identity)) };
        }
        const key = await this.unlock(identity);
        if (!key) return undefined;
        this.note(identity.label);
        return { type: 'agent', username, agent: lockedKey(key, async () => key) };
      }
    }
  }

  private async unlock({ path, locked }: Extract<Identity, { kind: 'locked' }>): Promise<ParsedKey | undefined> {
    const { prompter, keyring, signal } = this.surroundings;
    const id = secretIds.passphrase(path);
    const open = (passphrase: Secret): ParsedKey | undefined => {
      const key = utils.parseKey(locked, passphrase.reveal());
      return key instanceof Error ? undefined : key;
    };
    const kept = await keyring.get(id);
    const byKept = kept && open(kept);
    if (byKept) return byKept;
    if (!prompter.canAsk) this.unanswered.add('passphrase');
    for (let count = 0; prompter.canAsk && count < MAX_TRIES; count++) {
      const typed = await prompter.secret({ question: `${count > 0 ? 'That is not it. ' : ''}Passphrase of ${path}:`, signal });
      if (typed === undefined) return undefined;
      const secret = new Secret(typed);
      const key = open(secret);
      if (!key) continue;
      this.toKeep.set(id, secret);
      return key;
    }
    return undefined;
  }

  private async withPassword(): Promise<Attempt | undefined> {
    const password = await this.password(`Password of ${formatTarget(this.target)}:`);
    if (password === undefined) return undefined;
    this.note('a password');
    return { type: 'password', username: this.target.user, password: password.reveal() };
  }

  /** One question of the server after the other; among them may be the password. */
  private withAnswers(): Attempt | undefined {
    const { prompter, signal } = this.surroundings;
    if (!prompter.canAsk) {
      this.unanswered.add('password');
      return undefined;
    }
    this.note('the server’s questions');
    return {
      type: 'keyboard-interactive',
      username: this.target.user,
      prompt: (_name, instructions, _language, prompts, finish) => {
        const ask = async (): Promise<string[]> => {
          const answers: string[] = [];
          for (const { prompt, echo } of prompts) {
            const question = `${this.target.name}: ${instructions ? `${instructions.trim()} ` : ''}${prompt.trim()}`;
            answers.push((echo ? await prompter.text({ question, signal }) : await prompter.secret({ question, signal })) ?? '');
          }
          return answers;
        };
        ask().then(finish, () => finish([]));
      },
    };
  }

  private async password(question: string): Promise<Secret | undefined> {
    const { prompter, keyring, signal } = this.surroundings;
    const { user, address, port } = this.target;
    const id = secretIds.password(user, address, port);
    const wasTyped = this.toKeep.delete(id); // asked again: it did not work
    const kept = await keyring.get(id);
    if (kept && !this.tried.includes('a password')) return kept;
    if (kept) await keyring.forget(id);
    if (!prompter.canAsk) {
      this.unanswered.add('password');
      return undefined;
    }
    const typed = await prompter.secret({ question: `${wasTyped || kept ? 'That is not it. ' : ''}${question}`, signal });
    if (typed === undefined) return undefined;
    const secret = new Secret(typed);
    this.toKeep.set(id, secret);
    return secret;
  }

  private note(what: string): void {
    if (!this.tried.includes(what)) this.tried.push(what);
    this.surroundings.onNote(`${this.target.name}: trying ${what}`);
  }
}
