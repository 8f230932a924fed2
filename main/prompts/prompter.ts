/** Questions to the person who sits in front of the program, whatever its skin is. */
export interface Prompter {
  /** Whether anybody is there to answer. */
  readonly canAsk: boolean;
  /** Yes or no; whatever is not clearly a yes is a no. */
  confirm(question: { lines: string[]; question: string; signal?: AbortSignal | undefined }): Promise<boolean>;
  /** A secret: nothing of the answer is shown. Undefined when the person gives none. */
  secret(question: { question: string; signal?: AbortSignal | undefined }): Promise<string | undefined>;
  /** An answer that may be shown while it is typed (some servers ask for such). */
  text(question: { question: string; signal?: AbortSignal | undefined }): Promise<string | undefined>;
}

/** For programs and scripts: nobody answers. */
export const nobody: Prompter = {
  canAsk: false,
  confirm: async () => false,
  secret: async () => undefined,
  text: async () => undefined,
};
