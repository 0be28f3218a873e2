import { status as statuses, type ErrorCode } from './generated.js';
import { Struct } from './memory.js';

const names = new Map<number, string>(Object.entries(statuses).map(([name, number]) => [number, name]));

/** What a failed call throws. */
export class VdbError extends Error {
  /** The name of the error, e.g. 'VDB_ERR_NOT_FOUND'. */
  readonly code: ErrorCode;
  /** Its number. */
  readonly status: number;
  /** The row of the batch that is to blame, or null. */
  readonly item: number | null;
  /** The operating system's error number, or 0. */
  readonly osError: number;
  /** What a check found, where the error is VDB_ERR_CORRUPT. */
  declare report?: unknown;

  constructor(code: ErrorCode, message: string, details: { item?: number | null; osError?: number; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'VdbError';
    this.code = code;
    this.status = statuses[code];
    this.item = details.item ?? null;
    this.osError = details.osError ?? 0;
  }
}

/** The error record that a call fills. */
export class ErrorRecord extends Struct<'Error'> {
  constructor() {
    super('Error');
  }

  /** The error of a call that returned `status`. */
  error(status: number, cause?: unknown): VdbError {
    const code = (names.get(status) ?? 'VDB_ERR_INTERNAL') as ErrorCode;
    const details = { item: this.number('item'), osError: this.number('osError') ?? 0 };
    return new VdbError(code, this.text('message'), cause === undefined ? details : { ...details, cause });
  }
}

export function invalid(code: ErrorCode, message: string, item: number | null = null): VdbError {
  return new VdbError(code, message, { item });
}

/** What a value is that should be something else. */
export function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `the ${typeof value} ${String(value).slice(0, 60)}`;
  const name = (value as object).constructor?.name ?? 'object';
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}
