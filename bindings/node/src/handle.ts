/** What databases and filters have in common: a handle that is given back once. */

import { native, nativeAsync } from './ffi.js';

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

export abstract class Owner {
  /** The number that the library knows this by. It stays after closing: the library then knows it is closed. */
  readonly handle: bigint;

  /** `after` is called when it was forgotten, and must not lead to it. */
  protected constructor(handle: bigint, kind: Kind, owned = true, after?: () => void) {
    this.handle = handle;
    if (owned) forgotten.register(this, { kind, handle, after }, this);
  }

  protected release(): void {
    forgotten.unregister(this);
  }
}
