/** Tasks: who cancels a call, and who is told how far it is. */

import { OutU64, run } from './call.js';
import { VdbError } from './error.js';
import { native } from './ffi.js';

/** How far a call is, in steps of its own. */
export interface Progress {
  done: number;
  total: number;
}

const PROGRESS_EVERY_MS = 20;

// What the library writes is read at once.
const [out, done, total] = [new OutU64(), new OutU64(), new OutU64()];

export function cancelled(signal: AbortSignal): VdbError {
  return new VdbError('VDB_ERR_CANCELLED', 'the call was stopped by its signal', { cause: signal.reason });
}

/** Whether a call is to be stopped before it has begun. */
export function isGiven(signal: AbortSignal | undefined): boolean {
  if (signal === undefined) return false;
  if (typeof signal?.addEventListener !== 'function') throw new TypeError(`signal is ${String(signal)}: an AbortSignal is needed`);
  return signal.aborted;
}

interface Ear {
  acts: Set<() => void>;
  listener: () => void;
}

// One listener for each signal, however many calls share it: Node warns of more than ten.
const ears = new WeakMap<AbortSignal, Ear>();

function listen(signal: AbortSignal): Ear {
  const acts = new Set<() => void>();
  const listener = () => [...acts].forEach((act) => act());
  signal.addEventListener('abort', listener, { once: true });
  const ear = { acts, listener };
  ears.set(signal, ear);
  return ear;
}

/** Does something when the signal is given; returns what ends that. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const ear = ears.get(signal) ?? listen(signal);
  ear.acts.add(act);
  return () => {
    ear.acts.delete(act);
    if (ear.acts.size > 0) return;
    signal.removeEventListener('abort', ear.listener);
    if (ears.get(signal) === ear) ears.delete(signal);
  };
}

/** The task of a call or a cursor. */
export class Task {
  readonly handle: bigint;
  readonly #sleepers = new Set<() => void>();
  readonly #deafen: (() => void) | undefined;
  #watched = false;
  #over = false;
  #last: Progress | null = null;

  constructor(signal: AbortSignal | undefined) {
    const handle = run({ name: 'vdb_task_new', args: () => [out.memory], finish: () => out.value });
    this.handle = handle;
    // Not through `this`: a signal that lives long must not keep what was forgotten.
    if (signal) this.#deafen = onAbort(signal, () => void native.vdb_task_cancel(handle));
  }

  cancel(): void {
    native.vdb_task_cancel(this.handle);
  }

  #read(): Progress | null {
    const status = native.vdb_task_progress(this.handle, done.memory, total.memory);
    return status >= 0 && total.number > 0 ? { done: done.number, total: total.number } : null;
  }

  /** Until it is time to look again, or the call ends. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, PROGRESS_EVERY_MS);
      this.#sleepers.add(wake);
    });
  }

  /** How far the call is, whenever that has changed; the last is where it ended. */
  async *progress(): AsyncGenerator<Progress, void> {
    if (this.#over) return;
    this.#watched = true;
    for (let told: Progress | null = null; ; ) {
      if (!this.#over) await this.#pause();
      const now = this.#over ? this.#last : this.#read();
      if (now && !(told && told.done === now.done && told.total === now.total)) yield (told = now);
      else if (this.#over) return;
    }
  }

  /** The call is over: those who watch it are told, and end. */
  finish(): void {
    if (this.#over) return;
    if (this.#watched) this.#last = this.#read();
    this.#over = true;
    for (const wake of [...this.#sleepers]) wake();
  }

  free(): void {
    this.finish();
    this.#deafen?.();
    native.vdb_task_free(this.handle);
  }
}
