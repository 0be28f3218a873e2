/**
 * How calls are made: at once, or on a worker thread with a promise.
 *
 * A plan says what to call with which arguments and what to make of the outcome; both ways take the same plans. It owns the
 * memory of a call: until a promise settles, all that the library may touch is held here.
 */

import { ErrorRecord, VdbError } from './error.js';
import { native, nativeAsync } from './ffi.js';
import { status as statuses, type Functions, type Handle } from './generated.js';

/** For calls that return a promise. */
export interface CallOptions {
  /** Stops the call: nothing is changed then, and the promise is rejected with VDB_ERR_CANCELLED. */
  signal?: AbortSignal | undefined;
  /** Is told from time to time, and at the end, how far the call is. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Plan<T> {
  name: keyof Functions;
  /** All arguments but the error record. */
  args(task: Handle): unknown[];
  /** What the caller gets; `status` is not an error. */
  finish(status: number): T;
  /** Adds to an error what the call has written all the same. */
  fail?(error: VdbError): void;
  /** Whether the call takes a task. */
  task?: boolean;
}

const PROGRESS_EVERY_MS = 20;

/** Calls at the library at one time. More would wait there for one of the few worker threads, each with a stack. */
const AT_ONCE = 32;

// Calls are over when they return, and nothing else runs meanwhile: one record does.
const record = new ErrorRecord();

export function run<T>(plan: Plan<T>): T {
  const call = native[plan.name] as (...args: unknown[]) => number;
  const status = call(...plan.args(null), record.bytes);
  if (status < 0) throw failure(plan, record.error(status));
  return plan.finish(status);
}

function failure<T>(plan: Plan<T>, error: VdbError): VdbError {
  plan.fail?.(error);
  return error;
}

/** What calls in progress use. */
const inUse = new Set<unknown>();
const waiting: (() => void)[] = [];
let places = AT_ONCE;

/** Waits for a place at the library; whoever leaves hands it on. */
async function enter(): Promise<void> {
  if (places > 0) places--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
}

function leave(): void {
  const next = waiting.shift();
  if (next) next();
  else places++;
}

export async function runAsync<T>(plan: Plan<T>, options: CallOptions = {}): Promise<T> {
  const { signal } = options;
  if (signal?.aborted) throw cancelled(signal);
  await enter();
  let watch: Watch | null = null;
  const error = new ErrorRecord();
  const job = { plan, args: [] as unknown[] };
  inUse.add(job);
  try {
    if (signal?.aborted) throw cancelled(signal);
    watch = plan.task && (signal || options.onProgress) ? new Watch(options) : null;
    job.args = [...plan.args(watch?.task ?? null), error.bytes];
    for (const argument of job.args) steady(argument);
    const status = await nativeAsync(plan.name, job.args);
    if (status < 0) throw failure(plan, error.error(status, signal?.aborted ? signal.reason : undefined));
    if (status === statuses.VDB_PARTIAL && signal?.aborted) throw cancelled(signal);
    return plan.finish(status);
  } finally {
    inUse.delete(job);
    leave();
    watch?.end();
  }
}

export function cancelled(signal: AbortSignal): VdbError {
  return new VdbError('VDB_ERR_CANCELLED', 'the call was stopped by its signal', { cause: signal.reason });
}

/** Memory that can shrink must not be read by another thread meanwhile. */
function steady(argument: unknown): void {
  const buffer = ArrayBuffer.isView(argument) ? (argument.buffer as ArrayBuffer & { resizable?: boolean }) : null;
  if (buffer?.resizable) {
    throw new VdbError('VDB_ERR_INVALID_ARGUMENT', 'a resizable ArrayBuffer could shrink during the call: pass a copy');
  }
}

/** The task of a call: who cancels it and who is told of its progress. */
export class Watch {
  readonly task: bigint;
  readonly #numbers = new BigUint64Array(2);
  readonly #options: CallOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #cancel: () => void;

  constructor(options: CallOptions) {
    const out = new BigUint64Array(1);
    const status = native.vdb_task_new(out, record.bytes);
    if (status < 0) throw record.error(status);
    const task = out[0]!;
    this.task = task;
    // Not through `this`: a signal that lives long must not keep what was forgotten.
    this.#cancel = () => void native.vdb_task_cancel(task);
    this.#options = options;
    options.signal?.addEventListener('abort', this.#cancel, { once: true });
    if (options.onProgress) this.#timer = setInterval(() => this.#tell(), PROGRESS_EVERY_MS);
  }

  #tell(): void {
    const status = native.vdb_task_progress(this.task, this.#numbers.subarray(0, 1), this.#numbers.subarray(1));
    const [done, total] = this.#numbers;
    if (status >= 0 && total! > 0n) this.#options.onProgress!(Number(done), Number(total));
  }

  end(): void {
    this.#options.signal?.removeEventListener('abort', this.#cancel);
    clearInterval(this.#timer);
    try {
      if (this.#options.onProgress) this.#tell();
    } finally {
      native.vdb_task_free(this.task);
    }
  }
}

/** A place for one number that a call writes. */
export class OutU64 {
  readonly memory = new BigUint64Array(1);
  get value(): bigint {
    return this.memory[0]!;
  }
  get number(): number {
    return Number(this.memory[0]!);
  }
}
