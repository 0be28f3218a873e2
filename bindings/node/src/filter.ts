import { run } from './call.js';
import { native } from './ffi.js';
import { OutU64 } from './call.js';
import { Owner } from './handle.js';
import { toIds, type Ids } from './vectors.js';

/**
 * Says which rows a search may return. Make one and use it often: it remembers what it found out about rows.
 */
export class Filter extends Owner {
  private constructor(handle: bigint) {
    super(handle, 'filter');
  }

  /** Only these rows pass. */
  static allow(ids: Ids): Filter {
    return Filter.#ids(ids, 1);
  }

  /** All rows but these pass. */
  static deny(ids: Ids): Filter {
    return Filter.#ids(ids, 0);
  }

  static #ids(ids: Ids, allow: number): Filter {
    const list = toIds(ids);
    const out = new OutU64();
    return run({
      name: 'vdb_filter_ids',
      args: () => [list, list.length, allow, out.memory],
      finish: () => new Filter(out.value),
    });
  }

  /** Gives the filter back; calls that use it go on. Closing it again does nothing. */
  close(): void {
    this.release();
    native.vdb_filter_free(this.handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
