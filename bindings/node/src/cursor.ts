import { cancelled, OutU64, run, runAsync, Watch, type CallOptions, type Plan } from './call.js';
import type { Filter } from './filter.js';
import { native } from './ffi.js';
import { status as statuses, type Handle } from './generated.js';
import { numberOf, Owner } from './handle.js';
import type { At } from './reads.js';
import { NativeParams, Results, type Hits, type SearchParams } from './search.js';
import { toVectors, type Components, type Target } from './vectors.js';

/** Rows of a page that loops over a cursor ask for. */
const PAGE = 256;

/**
 * Goes through the rows of a database one page after the other, in the state that the database had when it was made. It goes on when the
 * database is closed. Loops get pages: `for (const { ids, distances } of cursor)`, or `for await`, which reads them on
 * a worker thread.
 */
export class Cursor extends Owner {
  readonly #watch: Watch | null;
  readonly #signal: AbortSignal | undefined;

  private constructor(handle: bigint, watch: Watch | null, signal: AbortSignal | undefined) {
    super(handle, 'cursor', true, watch ? () => watch.end() : undefined);
    this.#watch = watch;
    this.#signal = signal;
  }

  /** @internal Database.cursor */
  static search(db: Target, query: Components, params: SearchParams & Pick<CallOptions, 'signal'> = {}): Cursor {
    const v = toVectors(query, db, params.scalar, 1);
    if (params.signal?.aborted) throw cancelled(params.signal);
    const watch = params.signal ? new Watch({ signal: params.signal }) : null;
    const struct = new NativeParams();
    struct.fill(params, v.scalar, watch?.task ?? null);
    try {
      return Cursor.#make('vdb_cursor_search', (out) => [db.handle, v.memory, v.dim, struct.bytes, out], watch, params.signal);
    } catch (error) {
      watch?.end();
      throw error;
    }
  }

  /** @internal Database.scan */
  static scan(db: Target, filter: Filter | undefined, at: At): Cursor {
    const args = (out: BigUint64Array) => [db.handle, numberOf(at.snapshot, 'snapshot'), numberOf(filter, 'filter'), out];
    return Cursor.#make('vdb_cursor_scan_at', args, null, undefined);
  }

  static #make(
    name: 'vdb_cursor_search' | 'vdb_cursor_scan_at',
    args: (out: BigUint64Array) => (Handle | ArrayBufferView | number | null)[],
    watch: Watch | null,
    signal: AbortSignal | undefined,
  ): Cursor {
    const out = new OutU64();
    return run({ name, args: () => args(out.memory), finish: () => new Cursor(out.value, watch, signal) });
  }

  #plan(most: number, own: boolean): Plan<Hits | null> {
    const results = new Results(1, most, own);
    const found = new OutU64();
    return {
      name: 'vdb_cursor_next',
      args: () => [this.handle, most, results.ids, results.distances, found.memory],
      finish: (status) => {
        if (status === statuses.VDB_DONE) return null;
        if (status === statuses.VDB_PARTIAL && this.#signal?.aborted) throw cancelled(this.#signal);
        results.counts[0] = found.number;
        return results.hits(status === statuses.VDB_PARTIAL);
      },
    };
  }

  /**
   * The next rows, at most so many; null when there are no more. A page may be short though more rows follow, and empty where
   * the deadline passed: it is `partial` then, and the next one goes on. After the signal that the cursor was made
   * with it is VDB_ERR_CANCELLED.
   */
  next(most: number = PAGE): Hits | null {
    return run(this.#plan(most, false));
  }

  async nextAsync(most: number = PAGE): Promise<Hits | null> {
    return runAsync(this.#plan(most, true));
  }

  *[Symbol.iterator](): Generator<Hits, void> {
    for (let page = this.next(); page; page = this.next()) yield page;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Hits, void> {
    for (let page = await this.nextAsync(); page; page = await this.nextAsync()) yield page;
  }

  /** Gives the cursor back, and what it kept of the database. Closing it again does nothing. */
  close(): void {
    this.release();
    native.vdb_cursor_free(this.handle);
    this.#watch?.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
