/** Where and as whom a host is reached. */
export interface SshTarget {
  /** What people call it; for messages. */
  name: string;
  address: string;
  port: number;
  user: string;
  identityFile?: string | undefined;
}
