import { OutU64, run, type Plan, type SignalOption } from './call.js';
import type { Filter } from './filter.js';
import { status as statuses, type Handle } from './generated.js';
import { numberOf, Owner } from './handle.js';
import { start } from './job.js';
import { SIGNAL } from './names.js';
import type { At } from './reads.js';
import { NativeParams, Results, type Hits, type SearchParams } from './search.js';
import { cancelled, isGiven, Task } from './task.js';
import { toVectors, type Components, type Target } from './vectors.js';

/** Rows of a page that loops over a cursor ask for. */
const PAGE = 256;

/**
 * Goes through the rows of a database one page after the other, in the state that the database had when it was made. It goes on when the
 * database is closed. Loops get pages: `for (const { ids, distances } of cursor)`, or `for await`, which reads them on
 * a worker thread.
 */
export class Cursor extends Owner {
  readonly #task: Task | null;
  readonly #signal: AbortSignal | undefined;

  private constructor(handle: bigint, task: Task | null, signal: AbortSignal | undefined) {
    super(handle, 'cursor', true, task ? () => task.free() : undefined);
    this.#task = task;
    this.#signal = signal;
  }

  /** @internal Database.cursor */
  static search(db: Target, query: Components, params: SearchParams & SignalOption = {}): Cursor {
    const v = toVectors(query, db, params.scalar, 1);
    if (isGiven(params.signal)) throw cancelled(params.signal!);
    const task = params.signal ? new Task(params.signal) : null;
    const struct = new NativeParams();
    struct.fill(params, v.scalar, task?.handle ?? null);
    try {
      return Cursor.#make('vdb_cursor_search', (out) => [db.handle, v.memory, v.dim, struct.bytes, out], task, params.signal);
    } catch (error) {
      task?.free();
      throw error;
    }
  }

  /** @internal Database.scan */
  static scan(db: Target, filter: Filter | null | undefined, at: At): Cursor {
    const args = (out: BigUint64Array) => [db.handle, numberOf(at.snapshot, 'snapshot'), numberOf(filter, 'filter'), out];
    return Cursor.#make('vdb_cursor_scan_at', args, null, undefined);
  }

  static #make(
    name: 'vdb_cursor_search' | 'vdb_cursor_scan_at',
    args: (out: BigUint64Array) => (Handle | ArrayBufferView | number | null)[],
    task: Task | null,
    signal: AbortSignal | undefined,
  ): Cursor {
    const out = new OutU64();
    return run({ name, args: () => args(out.memory), finish: () => new Cursor(out.value, task, signal) });
  }

  #plan(most: number, own: boolean): Plan<Hits | null> {
    if (this.#signal?.aborted) throw cancelled(this.#signal);
    const results = new Results(1, most, own);
    const found = new OutU64();
    return {
      name: 'vdb_cursor_next',
      reads: true,
      args: () => [this.handle, most, results.ids, results.distances, found.memory],
      finish: (status) => {
        if (status === statuses.VDB_DONE) return null;
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

  nextAsync(most: number = PAGE): Promise<Hits | null> {
    return start({ signal: this.#signal }, SIGNAL, () => this.#plan(most, true));
  }

  /** The pages that are left. The cursor is closed when the loop ends or is left. */
  *[Symbol.iterator](): Generator<Hits, void> {
    try {
      for (let page = this.next(); page; page = this.next()) yield page;
    } finally {
      this.close();
    }
  }

  /** The same on a worker thread. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Hits, void> {
    try {
      for (let page = await this.nextAsync(); page; page = await this.nextAsync()) yield page;
    } finally {
      this.close();
    }
  }

  /** Gives the cursor back, and what it kept of the database. Closing it again does nothing. */
  close(): void {
    this.free(() => this.#task?.free());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
