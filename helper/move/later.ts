/** What a journal leaves to do that needs the other host. */
export interface Later {
  run: () => Promise<void>;
  /** Nobody else may touch the POD meanwhile. */
  isExclusive: boolean;
  /** How long a helper stays for this alone; the next one goes on with it. */
  staysMs: number;
}
