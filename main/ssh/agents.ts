/** SSH agents that hold one key each, so that each key can be named, counted and given up by itself. */
import { createAgent, utils, type BaseAgent as Agent, type ParsedKey, type SigningRequestOptions } from 'ssh2';
import { BaseAgent } from 'ssh2';

const AGENT_TIMEOUT_MS = 5_000;

type SignCallback = (error?: Error | null, signature?: Buffer) => void;

/** Offers one public key; the signature is asked for only when the server has said that it would take it. */
export class OneKeyAgent extends BaseAgent<ParsedKey> {
  constructor(
    readonly key: ParsedKey,
    private readonly signData: (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>,
  ) {
    super();
  }

  override getIdentities(callback: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    callback(null, [this.key]);
  }

  override sign(_key: unknown, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    const done = typeof options === 'function' ? options : callback!;
    const sign = async (): Promise<void> => {
      try {
        done(null, await this.signData(data, typeof options === 'function' ? {} : options));
      } catch (error) {
        done(error as Error);
      }
    };
    void sign();
  }
}

/** The keys of the agent that listens at a socket, each as an agent of its own. */
export async function keysOfAgent(socket: string): Promise<OneKeyAgent[]> {
  const agent = createAgent(socket) as Agent<ParsedKey>;
  const keys = await new Promise<ParsedKey[]>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it does not answer within ${AGENT_TIMEOUT_MS / 1000} s`)), AGENT_TIMEOUT_MS);
    agent.getIdentities((error, found) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve((found ?? []).map((key) => utils.parseKey(key as unknown as ParsedKey)).filter((key) => !(key instanceof Error)) as ParsedKey[]);
    });
  });
  return keys.map(
    (key) =>
      new OneKeyAgent(key, (data, options) =>
        new Promise((resolve, reject) => {
          agent.sign(key, data, options, (error, signature) => (error || !signature ? reject(error ?? new Error('the agent does not sign')) : resolve(signature)));
        }),
      ),
  );
}

/** A private key that is unlocked when its signature is wanted. */
export function lockedKey(publicKey: ParsedKey, unlock: () => Promise<ParsedKey | undefined>): OneKeyAgent {
  return new OneKeyAgent(publicKey, async (data, { hash }) => {
    const key = await unlock();
    if (!key) throw new Error('the key stays locked');
    const signature: Buffer | Error = key.sign(data, hash);
    if (signature instanceof Error) throw signature;
    return signature;
  });
}
