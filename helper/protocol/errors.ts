/**
 * Expected failures.
 *
 * Every failure a user can meet has a stable code `area/what`, carried unchanged from the helper to the screen. The prose (`message`, `hint`) is for
 * people and may change; programs read `code`. What is not a ZapError is a bug and is reported as `internal/unexpected`.
 */
export const exitCodes = {
  usage: 2,
  host: 3,
  pod: 4,
  environment: 5,
  preflight: 6,
  criu: 7,
  checkpoint: 8,
  move: 9,
  network: 10,
  lab: 11,
  system: 12,
  internal: 70,
  cancelled: 130,
} as const;

export type ErrorArea = keyof typeof exitCodes;
export type ErrorCode = `${ErrorArea}/${string}`;

export interface WireError {
  code: string;
  message: string;
  hint?: string | undefined;
  data?: Record<string, unknown> | undefined;
  /** Lines of a log that show the cause, most telling last. */
  evidence?: string[] | undefined;
}

export interface ZapErrorOptions {
  hint?: string | undefined;
  data?: Record<string, unknown> | undefined;
  evidence?: string[] | undefined;
  cause?: unknown;
}

export class ZapError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Record<string, unknown> | undefined;
  readonly evidence: string[] | undefined;

  constructor(code: ErrorCode, message: string, options: ZapErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ZapError';
    this.code = code;
    this.hint = options.hint;
    this.data = options.data;
    this.evidence = options.evidence;
  }

  get exitCode(): number {
    const area = this.code.slice(0, this.code.indexOf('/')) as ErrorArea;
    return exitCodes[area] ?? exitCodes.internal;
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, hint: this.hint, data: this.data, evidence: this.evidence };
  }

  static fromWire(wire: WireError): ZapError {
    return new ZapError(wire.code as ErrorCode, wire.message, wire);
  }

  /** Wraps anything thrown; a ZapError passes unchanged. */
  static from(thrown: unknown): ZapError {
    if (thrown instanceof ZapError) return thrown;
    if (thrown instanceof Error && thrown.name === 'AbortError') return new ZapError('cancelled/by-user', 'Cancelled.', { cause: thrown });
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const trouble = diskTroubles.find(({ errno, words }) => (error as { code?: string }).code === errno || error.message.includes(words));
    if (trouble) return new ZapError(trouble.code, trouble.message, { hint: trouble.hint, evidence: [error.message], cause: error });
    return new ZapError('internal/unexpected', error.message, { evidence: error.stack?.split('\n'), cause: error });
  }
}

/** Not bugs: what a host's disk answers when it is in trouble. Node's `rm` knows the words alone, not the number. */
const diskTroubles: readonly { errno: string; words: string; code: ErrorCode; message: string; hint: string }[] = [
  { errno: 'ENOSPC', words: 'No space left on device', code: 'system/disk-full', message: 'The disk of the host is full.', hint: 'Free some space under /var/lib/zap there.' },
  { errno: 'EROFS', words: 'Read-only file system', code: 'system/disk-read-only', message: 'The disk of the host cannot be written to.', hint: 'See what the host\'s kernel says about it (dmesg), and mount it for writing again.' },
  { errno: 'EIO', words: 'Input/output error', code: 'system/disk-failed', message: 'The disk of the host does not work: reading or writing failed.', hint: 'See what the host\'s kernel says about it (dmesg).' },
];

/** Ends a switch over a union: the compiler refuses it while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`);
}
