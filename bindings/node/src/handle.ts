/** What databases and filters have in common: a handle that is given back once. */

import { invalid } from './error.js';
import { native, nativeAsync } from './ffi.js';
import type { Handle } from './generated.js';

type Kind = 'db' | 'filter' | 'cursor' | 'snapshot';

/**
 * The safety net below close(): what was forgotten is closed some time after nobody can reach it. A database on a
 * worker thread, since it may write a checkpoint.
 */
const forgotten = new FinalizationRegistry<{ kind: Kind; handle: bigint; after: (() => void) | undefined }>(({ kind, handle, after }) => {
  // Where there is no place on a worker thread it is done here.
  if (kind === 'db') nativeAsync('vdb_close', [handle, null]).catch(() => native.vdb_close(handle, null));
  else native[`vdb_${kind}_free`](handle);
  after?.();
});

const MADE_BY = {
  db: 'Database.open(path, options)', filter: 'Filter.parse(text) or Filter.allow(ids)', cursor: 'db.cursor(query) or db.scan()',
  snapshot: 'db.snapshot()',
};

export abstract class Owner {
  /** The number that the library knows this by. It stays after closing: the library then knows it is closed. */
  readonly handle: bigint;

  /** `after` is called when it was forgotten, and must not lead to it. */
  protected constructor(handle: bigint, kind: Kind, owned = true, after?: () => void) {
    if (typeof handle !== 'bigint') throw new TypeError(`not made with new: ${MADE_BY[kind]} makes one`);
    this.handle = handle;
    if (owned) forgotten.register(this, { kind, handle, after }, this);
  }

  protected release(): void {
    forgotten.unregister(this);
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
