import { OutU64, run, runAsync, type CallOptions, type Plan } from './call.js';
import { ErrorRecord, invalid } from './error.js';
import type { Filter } from './filter.js';
import { addressOf, native, searchAt } from './ffi.js';
import {
  CHECK_REPORT_MAX, MAX_K, checkLevel, metric as metrics, scalar as scalars, status as statuses,
  type CheckLevel, type Handle, type Metric, type Options, type Scalar, type Stats,
} from './generated.js';
import { Owner } from './handle.js';
import { room, Struct } from './memory.js';
import { optionNamed, plainText, withOptions } from './options.js';
import { reportPlan, type CheckReport } from './reports.js';
import { BatchHits, NativeParams, Results, type Hits, type RangeHits, type SearchParams } from './search.js';
import { toIds, toVectors, type Components, type Ids, type Schema, type Vectors } from './vectors.js';

/** Which scalar the components of a call are, where the array does not tell. */
export interface ScalarOption {
  scalar?: Scalar | undefined;
}

/** A measured recall and its 95 % confidence interval. */
export interface Recall {
  recall: number;
  low: number;
  high: number;
}

// A search at once is over when it returns: its parameters, count and error record need no memory of their own.
const record = new ErrorRecord();
const recordAddress = addressOf(record.bytes);
const count = new Uint32Array(1);
const countAddress = addressOf(count);
const shared = new NativeParams();
const sharedAddress = addressOf(shared.bytes);

const nameOf = <T extends string>(names: Record<T, number>, number: bigint): T =>
  (Object.keys(names) as T[]).find((name) => names[name] === Number(number))!;

/**
 * An open database. Methods return when the work is done; those whose name ends with Async do it on a worker thread.
 * After close() every call throws VDB_ERR_CLOSED.
 */
export class Database extends Owner {
  /** Components of a vector. */
  readonly dim: number;
  /** What "near" means. */
  readonly metric: Metric;
  /** Type of the components that are stored. */
  readonly scalar: Scalar;
  readonly #schema: Schema;
  readonly #scalar: number;

  private constructor(handle: bigint, owned: boolean) {
    super(handle, 'db', owned);
    this.dim = Number(this.#option('dim'));
    this.metric = nameOf(metrics, this.#option('metric'));
    this.scalar = nameOf(scalars, this.#option('scalar'));
    this.#schema = { dim: this.dim, scalar: this.scalar };
    this.#scalar = scalars[this.scalar];
  }

  // ---- Opening and closing

  static #openPlan(path: string | null, set: Handle): Plan<Database> {
    const out = new OutU64();
    return {
      name: 'vdb_open',
      args: () => [path === null ? null : plainText('path', path), set, out.memory],
      finish: () => new Database(out.value, true),
    };
  }

  /** Opens the database in a directory, or makes one there; with null, one in memory. A new one needs the option dim. */
  static open(path: string | null, options?: Options): Database {
    return withOptions(options, (set) => run(Database.#openPlan(path, set)));
  }

  static async openAsync(path: string | null, options?: Options): Promise<Database> {
    return withOptions(options, (set) => runAsync(Database.#openPlan(path, set)));
  }

  /**
   * A database that is open in another thread of this process, by its `handle`. It is not closed here when it is forgotten:
   * that is for the thread that opened it.
   */
  static attach(handle: bigint): Database {
    return new Database(handle, false);
  }

  /** Waits for calls in progress, makes everything durable and gives the database back. It is closed whatever is thrown. */
  close(): void {
    this.release();
    run(this.#closePlan());
  }

  closeAsync(): Promise<void> {
    this.release();
    return runAsync(this.#closePlan());
  }

  #closePlan(): Plan<void> {
    return { name: 'vdb_close', args: () => [this.handle], finish: () => undefined };
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.closeAsync();
  }

  #option(name: string): bigint {
    const out = new OutU64();
    const { id } = optionNamed(name);
    return run({ name: 'vdb_option_get_u64', args: () => [this.handle, id, out.memory], finish: () => out.value });
  }

  /** The value in force of an option: a number, the name of an enum value, or for a switch a boolean. */
  option(name: string): number | string | boolean {
    const info = optionNamed(name);
    if (info.type === 'f64') {
      const out = new Float64Array(1);
      return run({ name: 'vdb_option_get_f64', args: () => [this.handle, info.id, out], finish: () => out[0]! });
    }
    const value = this.#option(name);
    if (info.type !== 'enum') return Number(value);
    const known = Object.keys(info.values).find((key) => info.values[key] === Number(value));
    if (known === 'on' || known === 'off') return known === 'on';
    return known ?? Number(value);
  }

  // ---- Writes

  #writePlan(name: 'vdb_insert_batch' | 'vdb_upsert_batch', ids: Ids, vectors: Components, scalar?: Scalar): Plan<void> {
    const list = toIds(ids);
    const v = toVectors(vectors, this.#schema, scalar, list.length);
    return {
      name,
      task: true,
      args: (task) => [this.handle, list, v.memory, v.count, v.dim, 0, v.scalar, task],
      finish: () => undefined,
    };
  }

  /**
   * Inserts rows: an id that is in the database already, or twice in the batch, fails the batch. A batch is written as a whole or
   * not at all, and is durable when the call returns.
   */
  insert(ids: Ids, vectors: Components, options: ScalarOption = {}): void {
    run(this.#writePlan('vdb_insert_batch', ids, vectors, options.scalar));
  }

  async insertAsync(ids: Ids, vectors: Components, options: ScalarOption & CallOptions = {}): Promise<void> {
    return runAsync(this.#writePlan('vdb_insert_batch', ids, vectors, options.scalar), options);
  }

  /** Inserts rows, or replaces those that are there already. */
  upsert(ids: Ids, vectors: Components, options: ScalarOption = {}): void {
    run(this.#writePlan('vdb_upsert_batch', ids, vectors, options.scalar));
  }

  async upsertAsync(ids: Ids, vectors: Components, options: ScalarOption & CallOptions = {}): Promise<void> {
    return runAsync(this.#writePlan('vdb_upsert_batch', ids, vectors, options.scalar), options);
  }

  #deletePlan(ids: Ids): Plan<number> {
    const list = toIds(ids);
    const out = new OutU64();
    return {
      name: 'vdb_delete_batch',
      args: () => [this.handle, list, list.length, out.memory],
      finish: () => out.number,
    };
  }

  /** Deletes rows and returns how many there were. */
  delete(ids: Ids): number {
    return run(this.#deletePlan(ids));
  }

  async deleteAsync(ids: Ids): Promise<number> {
    return runAsync(this.#deletePlan(ids));
  }

  // ---- Reads

  #getPlan<T extends ArrayBufferView>(ids: Ids, into: T, scalar: Scalar | undefined): Plan<Rows<T>> {
    const list = toIds(ids);
    const v = toVectors(into, this.#schema, scalar, list.length);
    const found = new Uint8Array(list.length);
    return {
      name: 'vdb_get_batch',
      args: () => [this.handle, list, v.count, v.dim, v.scalar, v.memory, 0, found],
      finish: () => ({ vectors: into, found }),
    };
  }

  /** Copies out the vectors of ids, one after the other; `found` has 1 for each that is there, the place of another stays zero. */
  get(ids: Ids): Rows<Float32Array> {
    const list = toIds(ids);
    return this.getInto(list, new Float32Array(list.length * this.dim));
  }

  async getAsync(ids: Ids): Promise<Rows<Float32Array>> {
    const list = toIds(ids);
    return runAsync(this.#getPlan(list, new Float32Array(list.length * this.dim), undefined));
  }

  /** The same into an array of any type of components. Places of ids that are not there are left alone. */
  getInto<T extends ArrayBufferView>(ids: Ids, into: T, options: ScalarOption = {}): Rows<T> {
    return run(this.#getPlan(ids, into, options.scalar));
  }

  /** Number of rows that a search can return; with a filter, of those that it lets pass. */
  count(filter?: Filter): number {
    const out = new OutU64();
    return run({
      name: 'vdb_count',
      args: () => [this.handle, filter?.handle ?? null, out.memory],
      finish: () => out.number,
    });
  }

  // ---- Searches

  /** Finds the k nearest rows of one query. */
  search(query: Components, k: number, params?: SearchParams): Hits {
    // All that is not the common case goes by the plan, as calls on worker threads do.
    if (!(query instanceof Float32Array) || !(k > 0 && k <= MAX_K && Number.isInteger(k))) {
      return run(this.#searchPlan(query, k, params));
    }
    let address = 0;
    if (params !== undefined || this.#scalar !== scalars.f32) {
      shared.fill(params, params?.scalar === undefined ? scalars.f32 : this.#typed(query, params.scalar), null);
      address = sharedAddress;
    }
    const place = room(12 * k);
    const ids = new BigUint64Array(place.buffer, place.at, k);
    const distances = new Float32Array(place.buffer, place.at + 8 * k, k);
    const status = searchAt(
      this.handle, query, 1, query.length, 0, k, address,
      place.address, place.address + 8 * k, countAddress, recordAddress,
    );
    if (status < 0) throw record.error(status);
    const partial = status === statuses.VDB_PARTIAL;
    const found = count[0]!;
    if (found === k) return { ids, distances, partial };
    return { ids: ids.subarray(0, found), distances: distances.subarray(0, found), partial };
  }

  /** The number of the scalar that a Float32Array is said to hold: only f32 has components as long as its elements. */
  #typed(query: Float32Array, scalar: Scalar): number {
    const v = toVectors(query, this.#schema, scalar, 1);
    if (v.dim !== query.length) throw invalid('VDB_ERR_DIMENSION', `components of ${scalar} are not in a Float32Array`);
    return v.scalar;
  }

  async searchAsync(query: Components, k: number, params: SearchParams & CallOptions = {}): Promise<Hits> {
    return runAsync(this.#searchPlan(query, k, params, true), params);
  }

  /** Finds the k nearest rows of each of several queries, one after the other in one array. */
  searchBatch(queries: Components, k: number, params?: SearchParams): BatchHits {
    return run(this.#batchPlan(queries, k, params));
  }

  async searchBatchAsync(queries: Components, k: number, params: SearchParams & CallOptions = {}): Promise<BatchHits> {
    return runAsync(this.#batchPlan(queries, k, params, true), params);
  }

  #searchPlan(query: Components, k: number, params: SearchParams | undefined, own = false): Plan<Hits> {
    const v = toVectors(query, this.#schema, params?.scalar, 1);
    const results = new Results(1, k, own);
    return this.#plan(v, k, params, results, (partial) => results.hits(partial));
  }

  #batchPlan(queries: Components, k: number, params: SearchParams | undefined, own = false): Plan<BatchHits> {
    const v = toVectors(queries, this.#schema, params?.scalar);
    const results = new Results(v.count, k, own);
    return this.#plan(v, k, params, results, (partial) => results.batch(partial));
  }

  #plan<T>(v: Vectors, k: number, params: SearchParams | undefined, results: Results, finish: (partial: boolean) => T): Plan<T> {
    const struct = new NativeParams();
    return {
      name: 'vdb_search',
      task: true,
      args: (task) => {
        struct.fill(params, v.scalar, task);
        return [
          this.handle, v.memory, v.count, v.dim, 0, k, struct.bytes, results.ids, results.distances, results.counts,
        ];
      },
      finish: (status) => finish(status === statuses.VDB_PARTIAL),
    };
  }

  #rangePlan(query: Components, maxDistance: number, limit: number, params: SearchParams | undefined, own = false): Plan<RangeHits> {
    const v = toVectors(query, this.#schema, params?.scalar, 1);
    const results = new Results(1, limit, own);
    const struct = new NativeParams();
    const total = new OutU64();
    return {
      name: 'vdb_search_range',
      task: true,
      args: (task) => {
        struct.fill(params, v.scalar, task);
        return [this.handle, v.memory, v.dim, maxDistance, limit, struct.bytes, results.ids, results.distances, total.memory];
      },
      finish: (status) => {
        results.counts[0] = Math.min(total.number, limit);
        return { ...results.hits(status === statuses.VDB_PARTIAL), more: total.number > limit };
      },
    };
  }

  /** Finds all rows whose distance to a query is at most maxDistance, nearest first, and returns the nearest `limit` of them. */
  searchRange(query: Components, maxDistance: number, limit: number, params?: SearchParams): RangeHits {
    return run(this.#rangePlan(query, maxDistance, limit, params));
  }

  async searchRangeAsync(
    query: Components, maxDistance: number, limit: number, params: SearchParams & CallOptions = {},
  ): Promise<RangeHits> {
    return runAsync(this.#rangePlan(query, maxDistance, limit, params, true), params);
  }

  #recallPlan(queries: Components | number, k: number, params: SearchParams | undefined): Plan<Recall> {
    const rows = typeof queries === 'number';
    const v = rows
      ? { memory: null, count: queries, dim: this.dim, scalar: 0 }
      : toVectors(queries, this.#schema, params?.scalar);
    const struct = new NativeParams();
    const out = [new Float64Array(1), new Float64Array(1), new Float64Array(1)] as const;
    return {
      name: 'vdb_measure_recall',
      task: true,
      args: (task) => {
        struct.fill(params, v.scalar, null);
        return [this.handle, v.memory, v.count, v.dim, 0, k, struct.bytes, ...out, task];
      },
      finish: () => ({ recall: out[0][0]!, low: out[1][0]!, high: out[2][0]! }),
    };
  }

  /**
   * Measures how many of the true k nearest rows a search finds, by comparing with an exact search of each query. A number instead of
   * queries looks for so many stored rows, each apart from itself.
   */
  measureRecall(queries: Components | number, k: number, params?: SearchParams): Recall {
    return run(this.#recallPlan(queries, k, params));
  }

  async measureRecallAsync(
    queries: Components | number, k: number, params: SearchParams & CallOptions = {},
  ): Promise<Recall> {
    return runAsync(this.#recallPlan(queries, k, params), params);
  }

  // ---- Maintenance

  #plainPlan(name: 'vdb_sync' | 'vdb_refresh'): Plan<void> {
    return { name, args: () => [this.handle], finish: () => undefined };
  }

  #taskPlan(name: 'vdb_checkpoint' | 'vdb_wait_indexed'): Plan<void> {
    return { name, task: true, args: (task) => [this.handle, task], finish: () => undefined };
  }

  /** Makes all batches so far as safe as the durability 'full' would have. */
  sync(): void {
    run(this.#plainPlan('vdb_sync'));
  }

  syncAsync(): Promise<void> {
    return runAsync(this.#plainPlan('vdb_sync'));
  }

  /** Writes the current state as immutable files and shortens the log, as the background work does by itself. */
  checkpoint(): void {
    run(this.#taskPlan('vdb_checkpoint'));
  }

  checkpointAsync(options?: CallOptions): Promise<void> {
    return runAsync(this.#taskPlan('vdb_checkpoint'), options);
  }

  /** Waits until every row is in the graph. Rows can be found before that too: waiting is for measurements. */
  waitIndexed(): void {
    run(this.#taskPlan('vdb_wait_indexed'));
  }

  waitIndexedAsync(options?: CallOptions): Promise<void> {
    return runAsync(this.#taskPlan('vdb_wait_indexed'), options);
  }

  /** Moves a database that is only read to the newest state that the writer has committed. */
  refresh(): void {
    run(this.#plainPlan('vdb_refresh'));
  }

  refreshAsync(): Promise<void> {
    return runAsync(this.#plainPlan('vdb_refresh'));
  }

  #checkPlan(level: CheckLevel): Plan<CheckReport> {
    const number = checkLevel[level] ?? 0;
    return reportPlan('vdb_check', CHECK_REPORT_MAX, [this.handle, number], (task) => [task]);
  }

  /** Checks whether the database is whole. Where it is not, the error is VDB_ERR_CORRUPT and has the report. */
  check(level: CheckLevel = 'checksums'): CheckReport {
    return run(this.#checkPlan(level));
  }

  async checkAsync(level: CheckLevel = 'checksums', options?: CallOptions): Promise<CheckReport> {
    return runAsync(this.#checkPlan(level), options);
  }

  /** Statistics at this moment. */
  stats(): Stats {
    const struct = new Struct('Stats');
    return run({
      name: 'vdb_stats_get',
      args: () => [this.handle, struct.bytes],
      finish: () => struct.numbers() as unknown as Stats,
    });
  }
}

/** Vectors that were read. */
export interface Rows<T> {
  vectors: T;
  /** 1 for each id that is there, else 0. */
  found: Uint8Array;
}

/** Version of the library, e.g. "0.1.0". */
export const version = (): string => native.vdb_version_string();
