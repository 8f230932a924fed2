/**
 * Programs started as root on a host: directly when we are root there, through sudo otherwise.
 *
 * sudo is first asked without a password. Where it wants one, the person is asked once, and sudo gets it on its standard input, and only when it has
 * asked: in an argument every user of the host could read it, and unasked it would reach the program instead.
 */
import type { Prompter } from '../prompts/prompter';
import { secretIds, type Keyring } from '../secrets/keyring';
import { Secret } from '../secrets/secret';
import type { ProcessOutput, RemoteProcess, Transport } from '../ssh/transport';
import { capture } from '../ssh/transport';

/** sudo's question, told from everything else that may stand on standard error. */
export const PASSWORD_QUESTION = '[zap: sudo asks for the password]';
const MAX_TRIES = 3;

/** In a script whose positional parameters are the program: becomes it. `$mode` is `without-password` or `with-password`. */
export const execAsRoot = [
  'if [ "$(id -u)" = 0 ]; then exec "$@"; fi;',
  'LC_ALL=C; export LC_ALL;', // its messages are read by a program
  'if [ "$mode" = without-password ]; then exec sudo -n -- "$@"; fi;',
  `exec sudo -S -k -p '${PASSWORD_QUESTION}' -- "$@"`,
].join(' ');

export interface RootSurroundings {
  prompter: Prompter;
  keyring: Keyring;
  signal?: AbortSignal | undefined;
}

export class RootAccess {
  private password: Secret | undefined;
  private tries = 0;

  constructor(
    private readonly host: string,
    private readonly surroundings: RootSurroundings,
  ) {}

  get mode(): 'with-password' | 'without-password' {
    return this.password ? 'with-password' : 'without-password';
  }

  /** Runs a script whose text ends in `execAsRoot`. It finds `$mode` set. */
  async start(transport: Pick<Transport, 'exec'>, script: string, args: readonly string[]): Promise<RemoteProcess> {
    const child = await transport.exec(['sh', '-c', `mode=$1; shift; ${script}`, 'zap', this.mode, ...args]);
    const { password } = this;
    if (!password) return child;
    let said = '';
    let questions = 0;
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-16384);
      for (let at = said.indexOf(PASSWORD_QUESTION); at >= 0; at = said.indexOf(PASSWORD_QUESTION)) {
        said = said.slice(at + PASSWORD_QUESTION.length);
        questions++;
        if (questions === 1) child.stdin.write(`${password.reveal()}\n`);
        else child.stdin.end(); // it was wrong: sudo gives up at the end of its input
      }
    });
    return child;
  }

  /** Runs a program as root to its end; asks for a password where sudo wants one. */
  async capture(transport: Transport, argv: readonly string[]): Promise<ProcessOutput> {
    for (;;) {
      const output = await capture({ exec: () => this.start(transport, execAsRoot, argv) }, argv, { keepsInputOpen: this.password !== undefined });
      if (output.status === 0 || !(await this.canTryAgain(output.stderr))) {
        if (output.status === 0) await this.worked();
        return output;
      }
    }
  }

  /** After a failure: whether there is now a password to try it with. */
  async canTryAgain(stderr: string): Promise<boolean> {
    const { prompter, keyring, signal } = this.surroundings;
    const id = secretIds.sudo(this.host);
    if (this.password ? !isPasswordWrong(stderr) : !isPasswordWanted(stderr)) return false;
    if (this.password) await keyring.forget(id);
    const kept = this.password ? undefined : await keyring.get(id);
    if (kept) {
      this.password = kept;
      return true;
    }
    if (!prompter.canAsk || this.tries++ >= MAX_TRIES) return false;
    const typed = await prompter.secret({ question: `${this.password ? 'That is not it. ' : ''}Password for sudo on ${this.host}:`, signal });
    if (typed === undefined) return false;
    this.password = new Secret(typed);
    return true;
  }

  async worked(): Promise<void> {
    if (this.password) await this.surroundings.keyring.set(secretIds.sudo(this.host), this.password);
  }
}

export function isPasswordWanted(stderr: string): boolean {
  return /^sudo: .*(?:password is required|authentication is required|terminal is required|askpass)/m.test(stderr);
}

export function isPasswordWrong(stderr: string): boolean {
  return stderr.split(PASSWORD_QUESTION).length > 2;
}
