/** A way to start programs on a host and to bring files there. Where the host is and how it is reached stays behind this. */
import type { Duplex, Readable, Writable } from 'node:stream';

export interface RemoteProcess {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** The exit status; null when a signal or the end of the connection took it. Never rejects. */
  exit: Promise<number | null>;
}

export interface UploadOptions {
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number, totalBytes: number) => void) | undefined;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface TerminalOptions extends TerminalSize {
  /** As TERM names kinds of terminals. */
  term: string;
}

/** The user's shell on a host, on a terminal of its own. */
export interface HostTerminal {
  /** What is typed and what is shown; ending or destroying it hangs up. */
  stream: Duplex;
  resize(size: TerminalSize): void;
  /** The shell's exit status; null when a signal or the end of the connection took it. Never rejects. */
  exit: Promise<number | null>;
}

export interface Transport {
  /** Starts a program; every argument arrives as it is, whatever is in it. */
  exec(argv: readonly string[]): Promise<RemoteProcess>;
  /** Copies a local file to a path on the host, which is left half-written when it fails. */
  upload(localPath: string, remotePath: string, options?: UploadOptions): Promise<void>;
  /** A connection from the host to somewhere else, where this way of reaching it has such. */
  dial?(address: string, port: number): Promise<Duplex>;
  /** A login shell, where this way of reaching the host has terminals. */
  openTerminal?(options: TerminalOptions): Promise<HostTerminal>;
  close(): void;
}

export interface ProcessOutput {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Output of a helper's preparation is a line or two; anything longer is noise of a login shell. */
const MAX_OUTPUT_BYTES = 64 << 10;

/** Runs a program to its end and returns what it said. */
export async function capture(transport: Pick<Transport, 'exec'>, argv: readonly string[], options: { keepsInputOpen?: boolean } = {}): Promise<ProcessOutput> {
  const child = await transport.exec(argv);
  child.stdin.on('error', () => {}); // it may end without reading
  if (!options.keepsInputOpen) child.stdin.end();
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const status = await child.exit;
  return { status, stdout: stdout(), stderr: stderr() };
}

function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString().slice(0, MAX_OUTPUT_BYTES);
}

/** The end of what a program said, without blank lines. */
export function lastLines(text: string, count = 10): string[] {
  return text.trim().split('\n').map((line) => line.trim()).filter((line) => line !== '').slice(-count);
}
