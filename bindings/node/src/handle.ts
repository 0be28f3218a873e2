/** What databases and filters have in common: a handle that is given back once, when no call uses it any more. */

import { isMainThread } from 'node:worker_threads';
import { invalid } from './error.js';
import { native, nativeAsync } from './ffi.js';
import type { Handle } from './generated.js';
import { enter, leave } from './turns.js';

type Kind = 'db' | 'filter' | 'cursor' | 'snapshot';

/** How many calls on worker threads use a handle, and what is to be done when none does. */
interface Users {
  count: number;
  then: (() => void)[];
}

const users = new Map<bigint, Users>();

/** A call uses the handles from now on. */
export function use(handles: readonly bigint[]): void {
  for (const handle of handles) {
    const known = users.get(handle);
    if (known) known.count++;
    else users.set(handle, { count: 1, then: [] });
  }
}

/** It uses them no more. */
export function unuse(handles: readonly bigint[]): void {
  for (const handle of handles) {
    const known = users.get(handle)!;
    if (--known.count > 0) continue;
    users.delete(handle);
    for (const act of known.then) act();
  }
}

/** Does something when no call uses the handle any more, now if none does. */
export function whenUnused(handle: bigint, act: () => void): void {
  const known = users.get(handle);
  if (known) known.then.push(act);
  else act();
}

/** Databases that this thread has opened, until they are closed. */
const opened = new Set<bigint>();

/** A database that this thread has opened is closed. */
export function closed(handle: bigint): void {
  opened.delete(handle);
}

// A worker that ends would leave them open, and locked, for as long as the process lives.
if (!isMainThread) process.once('exit', () => opened.forEach((handle) => native.vdb_close(handle, null)));

/**
 * The safety net below close(): what was forgotten is closed some time after nobody can reach it. A database on a
 * worker thread, since it may write a checkpoint.
 */
const forgotten = new FinalizationRegistry<{ kind: Kind; handle: bigint; after: (() => void) | undefined }>(({ kind, handle, after }) => {
  whenUnused(handle, () => {
    if (kind === 'db') closeForgotten(handle);
    else native[`vdb_${kind}_free`](handle);
    after?.();
  });
});

function closeForgotten(handle: bigint): void {
  enter(undefined, () => nativeAsync('vdb_close', [handle, null], (error) => {
    leave();
    // Where there was no place on a worker thread it is done here.
    if (error) native.vdb_close(handle, null);
    closed(handle);
  }));
}

const MADE_BY = {
  db: 'Database.open(path, options)', filter: 'Filter.parse(text) or Filter.allow(ids)', cursor: 'db.cursor(query) or db.scan()',
  snapshot: 'db.snapshot()',
};

/** No handle has this number: to the library it is one that is closed. */
const CLOSED = 0xffff_ffff_ffff_ffffn;

export abstract class Owner {
  /** The number that the library knows this by. After closing it is none. */
  readonly handle: bigint;
  readonly #kind: Kind;

  /** `after` is called when it was forgotten, and must not lead to it. */
  protected constructor(handle: bigint, kind: Kind, owned = true, after?: () => void) {
    if (typeof handle !== 'bigint') throw new TypeError(`not made with new: ${MADE_BY[kind]} makes one`);
    this.handle = handle;
    this.#kind = kind;
    if (!owned) return;
    forgotten.register(this, { kind, handle, after }, this);
    if (kind === 'db') opened.add(handle);
  }

  /** The handle, which is the caller's to give back; this has none from now on. */
  protected release(): bigint {
    const { handle } = this;
    forgotten.unregister(this);
    (this as { handle: bigint }).handle = CLOSED;
    return handle;
  }

  /** Gives the handle back when no call uses it any more. */
  protected free(after?: () => void): void {
    const [kind, handle] = [this.#kind as Exclude<Kind, 'db'>, this.release()];
    whenUnused(handle, () => {
      native[`vdb_${kind}_free`](handle);
      after?.();
    });
  }
}

/**
 * The number of a parameter that is a filter or a snapshot, null where there is none. By what it has, not by its class: programs
 * may have loaded the package both as an ES module and as CommonJS.
 */
export function numberOf(value: { readonly handle: bigint } | null | undefined, kind: 'filter' | 'snapshot'): Handle {
  if (value === undefined || value === null) return null;
  if (typeof value.handle === 'bigint') return value.handle;
  throw invalid('VDB_ERR_INVALID_ARGUMENT', `${kind} is a ${typeof value}, which is none: ${MADE_BY[kind]} makes one`);
}

/** The same where one is needed. */
export function numberNeeded(value: { readonly handle: bigint } | null | undefined, kind: 'filter' | 'snapshot'): Handle {
  const number = numberOf(value, kind);
  if (number === null) throw invalid('VDB_ERR_NULL_ARGUMENT', `a ${kind} is needed: ${MADE_BY[kind]} makes one`);
  return number;
}
