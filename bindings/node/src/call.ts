/** What calls of the library are: plans, which say what to call with which arguments and what to make of the outcome. */

import { ErrorRecord, type VdbError } from './error.js';
import { native } from './ffi.js';
import type { Functions, Handle } from './generated.js';

/** Is told how far a call is. A promise that it returns is awaited before it is told again. */
export type OnProgress = (done: number, total: number) => void | PromiseLike<void>;

/** For calls that return a promise. */
export interface CallOptions {
  /** Stops the call: nothing is changed then, and the promise is rejected with VDB_ERR_CANCELLED. */
  signal?: AbortSignal | undefined;
  /** Is told how far the call is whenever that has changed, and at the end. What it throws stops the call, and rejects its promise. */
  onProgress?: OnProgress | undefined;
}

/** For those that cannot be stopped once they have begun. */
export type SignalOption = Pick<CallOptions, 'signal'>;

/** A call at once, here, or on a worker thread (job.ts): both take the same plans. */
export interface Plan<T> {
  name: keyof Functions;
  /** All arguments but the error record. Small ones that are only read may be memory that the next call uses too. */
  args(task: Handle): unknown[];
  /** What the caller gets; `status` is not an error. */
  finish(status: number): T;
  /** Adds to an error what the call has written all the same. */
  fail?(error: VdbError): void;
  /** Gives back what the call has needed, however it went. */
  end?(): void;
  /** Whether the call takes a task: 'signal' where it can only be stopped, and tells no progress. */
  task?: 'progress' | 'signal';
  /** Whether the call changes nothing, wherever it is stopped. */
  reads?: boolean;
  /** Handles in the memory that arguments point to. */
  uses?(): readonly Handle[];
}

// Calls are over when they return, and nothing else runs meanwhile: one record does.
const record = new ErrorRecord();

export function run<T>(plan: Plan<T>): T {
  const call = native[plan.name] as (...args: unknown[]) => number;
  try {
    const status = call(...plan.args(null), record.bytes);
    if (status < 0) throw failure(plan, record.error(status));
    return plan.finish(status);
  } finally {
    plan.end?.();
  }
}

export function failure<T>(plan: Plan<T>, error: VdbError): VdbError {
  plan.fail?.(error);
  return error;
}

/** A place for one number that a call writes. */
export class OutU64 {
  readonly memory: BigUint64Array = new BigUint64Array(1);
  get value(): bigint {
    return this.memory[0]!;
  }
  get number(): number {
    return Number(this.memory[0]!);
  }
}
