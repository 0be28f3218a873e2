/**
 * Calls on worker threads.
 *
 * Whatever the library may touch is held here until it is done: memory in `inUse`, handles by their users. A call begins at
 * once where there is a place for it, and what it is about is settled then: closing a filter later does not concern it.
 */

import { type CallOptions, failure, type OnProgress, type Plan } from './call.js';
import { ErrorRecord, VdbError } from './error.js';
import { nativeAsync, onlyRead } from './ffi.js';
import { status as statuses } from './generated.js';
import { unuse, use } from './handle.js';
import { known, type Names } from './names.js';
import { cancelled, isGiven, onAbort, Task, type Progress } from './task.js';
import { enter, leave } from './turns.js';

/** The promise of a call, which tells how far the call is. */
export interface Job<T> extends Promise<T> {
  /**
   * How far the call is, whenever that has changed: `for await (const { done, total } of job.progress)`. It ends when the call
   * does, also one that fails: the error is the promise's alone.
   */
  readonly progress: AsyncIterable<Progress>;
}

/** Inputs of up to so many bytes are copied, before another call is prepared: that costs little beside a call on another thread. */
const COPIED_BYTES = 64 * 1024;

/** What calls in progress use. */
const inUse = new Set<unknown>();

function checked({ signal, onProgress }: CallOptions): void {
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`onProgress is ${String(onProgress)}: a function is needed`);
  }
  if (isGiven(signal)) throw cancelled(signal!);
}

/** Memory that can shrink must not be read by another thread meanwhile. */
function steady(memory: ArrayBufferView): void {
  if ((memory.buffer as ArrayBuffer & { resizable?: boolean }).resizable) {
    throw new VdbError('VDB_ERR_INVALID_ARGUMENT', 'a resizable ArrayBuffer could shrink during the call: pass a copy');
  }
}

const copyOf = (memory: ArrayBufferView): Uint8Array =>
  new Uint8Array(new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength));

interface Thrown {
  error: unknown;
}

/** Tells a function of progress. What it throws, also later as a promise, stops the call. */
async function tell(task: Task, onProgress: OnProgress): Promise<Thrown | null> {
  try {
    for await (const { done, total } of task.progress()) await onProgress(done, total);
    return null;
  } catch (error) {
    task.cancel();
    return { error };
  }
}

/** One call, from its arguments to its outcome. */
class Call<T> {
  readonly task: Task | null;
  readonly #args: unknown[];
  readonly #error = new ErrorRecord();
  readonly #used: bigint[];
  /** Whether its promise can be rejected before the library is done: nothing is changed, and none of the caller's memory is used. */
  readonly #canBeLeft: boolean;
  #deafen: (() => void) | undefined;
  #telling: Promise<Thrown | null> | null = null;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor(readonly plan: Plan<T>, readonly options: CallOptions) {
    const needed = plan.task === 'progress' || (plan.task === 'signal' && options.signal !== undefined);
    this.task = needed ? new Task(options.signal) : null;
    try {
      this.#args = plan.args(this.task?.handle ?? null);
      this.#canBeLeft = !this.#copyInputs() && plan.reads === true;
    } catch (error) {
      this.task?.free();
      throw error;
    }
    // Of the arguments handles are the bigints, and only they.
    const handles = this.#args.filter((argument) => typeof argument === 'bigint');
    this.#used = plan.uses ? [...handles, ...plan.uses().filter((handle) => handle !== null)] : handles;
    use(this.#used);
    this.#args.push(this.#error.bytes);
  }

  /** Takes copies of what is small enough, and says whether there is more. */
  #copyInputs(): boolean {
    const read = onlyRead(this.plan.name);
    let more = false;
    for (const [i, argument] of this.#args.entries()) {
      if (!read[i] || !ArrayBuffer.isView(argument) || argument.byteLength === 0) continue;
      steady(argument);
      if (argument.byteLength <= COPIED_BYTES) this.#args[i] = copyOf(argument);
      else more = true;
    }
    return more;
  }

  /** Makes the call, in its turn. */
  begin(resolve: (value: T) => void, reject: (error: unknown) => void): void {
    const { signal } = this.options;
    this.#resolve = resolve;
    this.#reject = reject;
    inUse.add(this);
    if (signal && this.#canBeLeft) this.#deafen = onAbort(signal, () => this.#leave(signal));
    enter(signal, () => this.#make(), (error) => this.#settle({ error }));
  }

  #leave(signal: AbortSignal): void {
    this.task?.finish();
    this.#reject(cancelled(signal));
  }

  #make(): void {
    const { onProgress } = this.options;
    if (this.task && onProgress) this.#telling = tell(this.task, onProgress);
    nativeAsync(this.plan.name, this.#args, (error, status) => this.#made(error, status));
  }

  #made(error: unknown, status: number): void {
    leave();
    this.task?.finish();
    const failed = error ? { error } : null;
    if (this.#telling) void this.#telling.then((thrown) => this.#settle(thrown ?? failed, status));
    else this.#settle(failed, status);
  }

  /** Gives the outcome, after what the call has used. */
  #settle(thrown: Thrown | null, status = 0): void {
    this.#deafen?.();
    inUse.delete(this);
    unuse(this.#used);
    this.task?.free();
    try {
      if (thrown) throw thrown.error;
      this.#resolve(this.#outcome(status));
    } catch (error) {
      this.#reject(error);
    } finally {
      this.plan.end?.();
    }
  }

  #outcome(status: number): T {
    const { signal } = this.options;
    if (status < 0) throw failure(this.plan, this.#error.error(status, signal?.aborted ? signal.reason : undefined));
    if (status === statuses.VDB_PARTIAL && signal?.aborted) throw cancelled(signal);
    return this.plan.finish(status);
  }
}

class Started<T> extends Promise<T> implements Job<T> {
  #task: Task | null = null;
  #asked = false;

  // What then() makes is a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  of(task: Task | null): this {
    this.#task = task;
    return this;
  }

  override then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#asked = true;
    return super.then(done, failed);
  }

  get progress(): AsyncIterable<Progress> {
    return { [Symbol.asyncIterator]: () => this.#watch() };
  }

  /** Who watches first and awaits then is late for an error that came meanwhile: it is only reported when nobody has asked. */
  async *#watch(): AsyncGenerator<Progress, void> {
    const failed = super.then(() => null, (error: unknown) => ({ error }));
    try {
      if (this.#task) yield* this.#task.progress();
    } finally {
      void failed.then((failure) => {
        if (failure) setImmediate(() => void (this.#asked || Promise.reject(failure.error)));
      });
    }
  }
}

/** A call that has not begun. */
function prepare<T>(options: CallOptions = {}, names: Names, make: () => Plan<T>): Call<T> {
  known(options, names);
  const plan = make();
  try {
    checked(options);
    return new Call(plan, options);
  } catch (error) {
    plan.end?.();
    throw error;
  }
}

/** Begins a call on a worker thread. What is wrong with it, or with its options, rejects the promise, and is not thrown. */
export function start<T>(options: CallOptions | undefined, names: Names, make: () => Plan<T>): Promise<T> {
  return new Promise((resolve, reject) => prepare(options, names, make).begin(resolve, reject));
}

/** The same of a call that tells how far it is. */
export function startJob<T>(options: CallOptions | undefined, names: Names, make: () => Plan<T>): Job<T> {
  let task: Task | null = null;
  const job = new Started<T>((resolve, reject) => {
    const call = prepare(options, names, make);
    task = call.task;
    call.begin(resolve, reject);
  });
  return job.of(task);
}
