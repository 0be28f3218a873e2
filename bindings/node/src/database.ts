import { OutU64, run, type CallOptions, type Plan, type SignalOption } from './call.js';
import { Cursor } from './cursor.js';
import { described, invalid, type VdbError } from './error.js';
import { backupPlan, exportPlan, importPlan, type BackupOptions, type ExportOptions, type ImportOptions } from './files.js';
import type { Filter } from './filter.js';
import { native } from './ffi.js';
import {
  CHECK_REPORT_MAX, checkLevel, metric as metrics, scalar as scalars,
  type Call, type CheckLevel, type Latency, type Metric, type Options, type Scalar, type Stats,
} from './generated.js';
import { closed, Owner, whenUnused } from './handle.js';
import { explainPlan, readColumns, readLatency, readLog, readStats, readText, type Explanation } from './inside.js';
import { start, startJob, type Job } from './job.js';
import {
  AT, AT_SIGNAL, BACKUP, BACKUP_CALL, CALL, DIVERSE, DIVERSE_SIGNAL, EXAMPLES, EXPORT, EXPORT_CALL, IMPORT, IMPORT_CALL, known, needed, NONE, RECORDS,
  SCALAR, SCALAR_AT, SCALAR_CALL, SEARCH, SEARCH_CALL, SEARCH_SIGNAL, SIGNAL,
} from './names.js';
import { nameOf } from './memory.js';
import { optionNamed, optionSet, pathText, type Path } from './options.js';
import {
  countPlan, getPlan, idsOfKeysPlan, keyList, KEYS, META, metaList, readTexts, readTextsAsync, type At, type Rows,
} from './reads.js';
import { reportPlan, type CheckReport, type Columns } from './reports.js';
import type { BatchHits, Hits, RangeHits, SearchParams } from './search.js';
import {
  batchPlan, diversePlan, groupsPlan, idsPlan, rangePlan, recallPlan, recommendPlan, searchNow, searchPlan,
  type Diversity, type Examples, type Recall,
} from './searches.js';
import { Snapshot } from './snapshot.js';
import type { Keys, Metadata, MetaObject, Texts } from './texts.js';
import { toIds, type ComponentArray, type Components, type Ids } from './vectors.js';
import {
  deleteKeysPlan, deletePlan, deleteWherePlan, recordsPlan, updatePlan, updateWherePlan, writePlan, type Records,
} from './writes.js';

/** Which scalar the components of a call are, where the array does not tell. */
export interface ScalarOption {
  scalar?: Scalar | undefined;
}

function ignoreClosed(error: unknown): void {
  if ((error as VdbError).code !== 'VDB_ERR_CLOSED') throw error;
}

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

  private constructor(handle: bigint, owned: boolean) {
    super(handle, 'db', owned);
    this.dim = Number(this.#option('dim'));
    this.metric = nameOf(metrics, Number(this.#option('metric')));
    this.scalar = nameOf(scalars, Number(this.#option('scalar')));
  }

  // ---- Opening and closing

  static #openPlan(path: Path | null, options: Options | undefined): Plan<Database> {
    const at = path === null ? null : pathText('path', path);
    const set = optionSet(options);
    const out = new OutU64();
    return {
      name: 'vdb_open',
      args: () => [at, set, out.memory],
      finish: () => new Database(out.value, true),
      end: () => native.vdb_options_free(set),
    };
  }

  /** Opens the database in a directory, or makes one there; with null, one in memory. A new one needs the option dim. */
  static open(path: Path | null, options?: Options): Database {
    return run(Database.#openPlan(path, options));
  }

  static openAsync(path: Path | null, options?: Options): Promise<Database> {
    return start(undefined, NONE, () => Database.#openPlan(path, options));
  }

  /**
   * A database that is open in another thread of this process, by its `handle`. It is not closed here when it is forgotten:
   * that is for the thread that opened it.
   */
  static attach(handle: bigint): Database {
    if (typeof handle !== 'bigint') throw new TypeError(`the handle of a database is needed, not ${described(handle)}`);
    return new Database(handle, false);
  }

  /**
   * Waits for calls in progress, makes everything durable and gives the database back. It is closed whatever is thrown. Calls on
   * worker threads that have not begun are rejected with VDB_ERR_CLOSED: closeAsync lets them be made.
   */
  close(): void {
    run(Database.#closePlan(this.release()));
  }

  /** Closes when the calls that were made before are done; those made from now on are VDB_ERR_CLOSED. */
  closeAsync(): Promise<void> {
    const handle = this.release();
    return new Promise((resolve) => {
      whenUnused(handle, () => resolve(start(undefined, NONE, () => Database.#closePlan(handle))));
    });
  }

  static #closePlan(handle: bigint): Plan<void> {
    return { name: 'vdb_close', args: () => [handle], finish: () => undefined, end: () => closed(handle) };
  }

  /** Closes, unless it was closed before. */
  [Symbol.dispose](): void {
    try {
      this.close();
    } catch (error) {
      ignoreClosed(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.closeAsync().catch(ignoreClosed);
  }

  #option(name: string): bigint {
    const out = new OutU64();
    const { id } = optionNamed(name);
    return run({ name: 'vdb_option_get_u64', args: () => [this.handle, id, out.memory], finish: () => out.value });
  }

  /** The value in force of an option: a number, a text, the name of an enum value, or for a switch a boolean. */
  option(name: string): number | string | boolean {
    const info = optionNamed(name);
    if (info.type === 'f64') {
      const out = new Float64Array(1);
      return run({ name: 'vdb_option_get_f64', args: () => [this.handle, info.id, out], finish: () => out[0]! });
    }
    if (info.type === 'text') return readText('vdb_option_get_text', [this.handle, info.id]);
    const value = this.#option(name);
    if (info.type !== 'enum') return Number(value);
    const known = Object.keys(info.values).find((key) => info.values[key] === Number(value));
    if (known === 'on' || known === 'off') return known === 'on';
    return known ?? Number(value);
  }

  // ---- Writes

  /**
   * Inserts rows: an id that is in the database already, or twice in the batch, fails the batch. A batch is written as a whole or
   * not at all, and is durable when the call returns.
   */
  insert(ids: Ids, vectors: Components, options: ScalarOption = {}): void {
    run(writePlan(this, 'vdb_insert_batch', ids, vectors, known(options, SCALAR).scalar));
  }

  insertAsync(ids: Ids, vectors: Components, options: ScalarOption & CallOptions = {}): Job<void> {
    return startJob(options, SCALAR_CALL, () => writePlan(this, 'vdb_insert_batch', ids, vectors, options.scalar));
  }

  /** Inserts rows, or replaces those that are there already. */
  upsert(ids: Ids, vectors: Components, options: ScalarOption = {}): void {
    run(writePlan(this, 'vdb_upsert_batch', ids, vectors, known(options, SCALAR).scalar));
  }

  upsertAsync(ids: Ids, vectors: Components, options: ScalarOption & CallOptions = {}): Job<void> {
    return startJob(options, SCALAR_CALL, () => writePlan(this, 'vdb_upsert_batch', ids, vectors, options.scalar));
  }

  /**
   * Inserts rows with keys and metadata, in one batch, and returns their ids. A row without an id, or with ID_NONE, gets one that is
   * above those of all rows.
   */
  insertRecords(records: Records, options: ScalarOption = {}): BigUint64Array {
    return run(recordsPlan(this, 'vdb_insert_records', needed(records, RECORDS), known(options, SCALAR).scalar));
  }

  insertRecordsAsync(records: Records, options: ScalarOption & CallOptions = {}): Job<BigUint64Array> {
    return startJob(options, SCALAR_CALL, () => recordsPlan(this, 'vdb_insert_records', needed(records, RECORDS), options.scalar));
  }

  /**
   * Inserts rows, or gives those that are there new vectors, and keys and metadata where the call brings any. A row without an id is the
   * one that has the key, or a new one where none has.
   */
  upsertRecords(records: Records, options: ScalarOption = {}): BigUint64Array {
    return run(recordsPlan(this, 'vdb_upsert_records', needed(records, RECORDS), known(options, SCALAR).scalar));
  }

  upsertRecordsAsync(records: Records, options: ScalarOption & CallOptions = {}): Job<BigUint64Array> {
    return startJob(options, SCALAR_CALL, () => recordsPlan(this, 'vdb_upsert_records', needed(records, RECORDS), options.scalar));
  }

  /** Gives rows other metadata, all in one batch, and returns how many there were. Vectors and keys stay as they are. */
  updateMeta(ids: Ids, meta: Metadata): number {
    return run(updatePlan(this, ids, meta));
  }

  updateMetaAsync(ids: Ids, meta: Metadata, options?: SignalOption): Promise<number> {
    return start(options, SIGNAL, () => updatePlan(this, ids, meta));
  }

  /** Gives all rows that the filter lets pass the same metadata, null for none, and returns how many they were. */
  updateMetaWhere(filter: Filter, meta: MetaObject | string | null): number {
    return run(updateWherePlan(this, filter, meta));
  }

  updateMetaWhereAsync(filter: Filter, meta: MetaObject | string | null, options?: CallOptions): Job<number> {
    return startJob(options, CALL, () => updateWherePlan(this, filter, meta));
  }

  /** Deletes all rows that the filter lets pass, and returns how many they were. */
  deleteWhere(filter: Filter): number {
    return run(deleteWherePlan(this, filter));
  }

  deleteWhereAsync(filter: Filter, options?: CallOptions): Job<number> {
    return startJob(options, CALL, () => deleteWherePlan(this, filter));
  }

  /** Deletes the rows that have one of the keys, and returns how many there were. */
  deleteKeys(keys: Keys): number {
    return run(deleteKeysPlan(this, keys));
  }

  deleteKeysAsync(keys: Keys, options?: SignalOption): Promise<number> {
    return start(options, SIGNAL, () => deleteKeysPlan(this, keys));
  }

  /** Deletes rows and returns how many there were. */
  delete(ids: Ids): number {
    return run(deletePlan(this, ids));
  }

  deleteAsync(ids: Ids, options?: SignalOption): Promise<number> {
    return start(options, SIGNAL, () => deletePlan(this, ids));
  }

  // ---- Reads

  /** Copies out the vectors of ids, one after the other; `found` has 1 for each that is there, the place of another stays zero. */
  get(ids: Ids, at: At = {}): Rows<Float32Array> {
    const list = toIds(ids);
    return this.getInto(list, new Float32Array(list.length * this.dim), known(at, AT));
  }

  getAsync(ids: Ids, options: At & SignalOption = {}): Promise<Rows<Float32Array>> {
    return start(options, AT_SIGNAL, () => {
      const list = toIds(ids);
      return getPlan(this, list, new Float32Array(list.length * this.dim), options);
    });
  }

  /** The same into an array of any type of components. Places of ids that are not there are left alone. */
  getInto<T extends ComponentArray>(ids: Ids, into: T, options: ScalarOption & At = {}): Rows<T> {
    return run(getPlan(this, ids, into, known(options, SCALAR_AT)));
  }

  /** The ids of the rows that have the keys; ID_NONE where no row has one. */
  idsOfKeys(keys: Keys, at: At = {}): BigUint64Array {
    return run(idsOfKeysPlan(this, keys, known(at, AT)));
  }

  idsOfKeysAsync(keys: Keys, options: At & SignalOption = {}): Promise<BigUint64Array> {
    return start(options, AT_SIGNAL, () => idsOfKeysPlan(this, keys, options));
  }

  /** The keys of rows; null for a row without one, and for an id that is not there. */
  keysOfIds(ids: Ids, at: At = {}): (string | null)[] {
    return keyList(readTexts(this, KEYS, ids, known(at, AT)));
  }

  async keysOfIdsAsync(ids: Ids, options: At & SignalOption = {}): Promise<(string | null)[]> {
    return keyList(await readTextsAsync(this, KEYS, ids, options));
  }

  /**
   * The metadata of rows; null for a row without, and for an id that is not there. Whole numbers beyond 2^53 are rounded, as
   * JSON.parse does: getMetaTexts has all digits.
   */
  getMeta(ids: Ids, at: At = {}): (Record<string, unknown> | null)[] {
    return metaList(this.getMetaTexts(ids, at));
  }

  async getMetaAsync(ids: Ids, options: At & SignalOption = {}): Promise<(Record<string, unknown> | null)[]> {
    return metaList(await this.getMetaTextsAsync(ids, options));
  }

  /** The same byte by byte as it was stored. */
  getMetaTexts(ids: Ids, at: At = {}): Texts {
    return readTexts(this, META, ids, known(at, AT));
  }

  getMetaTextsAsync(ids: Ids, options: At & SignalOption = {}): Promise<Texts> {
    return readTextsAsync(this, META, ids, options);
  }

  /** Number of rows that a search can return; with a filter, of those that it lets pass. */
  count(filter?: Filter | null, at: At = {}): number {
    return run(countPlan(this, filter, known(at, AT)));
  }

  countAsync(filter?: Filter | null, options: At & SignalOption = {}): Promise<number> {
    return start(options, AT_SIGNAL, () => countPlan(this, filter, options));
  }

  // ---- Searches

  /** Finds the k nearest rows of one query. */
  search(query: Components, k: number, params?: SearchParams): Hits {
    return searchNow(this, query, k, params);
  }

  searchAsync(query: Components, k: number, params: SearchParams & SignalOption = {}): Promise<Hits> {
    return start(params, SEARCH_SIGNAL, () => searchPlan(this, query, k, params, true));
  }

  /** Finds the k nearest rows of each of several queries, one after the other in one array. */
  searchBatch(queries: Components, k: number, params?: SearchParams): BatchHits {
    return run(batchPlan(this, queries, k, known(params, SEARCH)));
  }

  searchBatchAsync(queries: Components, k: number, params: SearchParams & SignalOption = {}): Promise<BatchHits> {
    return start(params, SEARCH_SIGNAL, () => batchPlan(this, queries, k, params, true));
  }

  /** Finds all rows whose distance to a query is at most maxDistance, nearest first, and returns the nearest `limit` of them. */
  searchRange(query: Components, maxDistance: number, limit: number, params?: SearchParams): RangeHits {
    return run(rangePlan(this, query, maxDistance, limit, known(params, SEARCH)));
  }

  searchRangeAsync(
    query: Components, maxDistance: number, limit: number, params: SearchParams & SignalOption = {},
  ): Promise<RangeHits> {
    return start(params, SEARCH_SIGNAL, () => rangePlan(this, query, maxDistance, limit, params, true));
  }

  /** Finds the k rows nearest to each of some rows, which are left out themselves. */
  searchIds(ids: Ids, k: number, params?: SearchParams): BatchHits {
    return run(idsPlan(this, ids, k, known(params, SEARCH)));
  }

  searchIdsAsync(ids: Ids, k: number, params: SearchParams & SignalOption = {}): Promise<BatchHits> {
    return start(params, SEARCH_SIGNAL, () => idsPlan(this, ids, k, params, true));
  }

  /** Finds the k rows that are most like the positive examples and unlike the negative ones; vdb_recommend in the header says how. */
  recommend(examples: Examples, k: number, params?: SearchParams): Hits {
    return run(recommendPlan(this, needed(examples, EXAMPLES), k, known(params, SEARCH)));
  }

  recommendAsync(examples: Examples, k: number, params: SearchParams & SignalOption = {}): Promise<Hits> {
    return start(params, SEARCH_SIGNAL, () => recommendPlan(this, needed(examples, EXAMPLES), k, params, true));
  }

  /** Chooses k rows that are near one query and not too near to each other, in the order in which they were chosen. */
  searchDiverse(query: Components, k: number, params: SearchParams & Diversity): Hits {
    return run(diversePlan(this, query, k, needed(params, DIVERSE)));
  }

  searchDiverseAsync(query: Components, k: number, params: SearchParams & Diversity & SignalOption): Promise<Hits> {
    return start(params, DIVERSE_SIGNAL, () => diversePlan(this, query, k, needed(params, DIVERSE_SIGNAL), true));
  }

  /**
   * Finds the best groups of rows near one query, and of each the perGroup best rows. Rows that have the same text, number or boolean at a
   * path of their metadata, such as 'author.name', are one group; others are in none. In the results groups are in place of queries.
   */
  searchGroups(query: Components, path: string, groups: number, perGroup: number, params?: SearchParams): BatchHits {
    return run(groupsPlan(this, query, path, groups, perGroup, known(params, SEARCH)));
  }

  searchGroupsAsync(
    query: Components, path: string, groups: number, perGroup: number, params: SearchParams & SignalOption = {},
  ): Promise<BatchHits> {
    return start(params, SEARCH_SIGNAL, () => groupsPlan(this, query, path, groups, perGroup, params, true));
  }

  /**
   * A cursor through all rows in the order of their distance to one query, nearest first. The signal is for all of its pages,
   * deadlineMs for each.
   */
  cursor(query: Components, params?: SearchParams & SignalOption): Cursor {
    return Cursor.search(this, query, known(params, SEARCH_SIGNAL));
  }

  /** A cursor through the rows that a filter lets pass, in the order of their ids. */
  scan(filter?: Filter | null, at: At = {}): Cursor {
    return Cursor.scan(this, filter, known(at, AT));
  }

  /**
   * Measures how many of the true k nearest rows a search finds, by comparing with an exact search of each query. A number instead of
   * queries looks for so many stored rows, each apart from itself.
   */
  measureRecall(queries: Components | number, k: number, params?: SearchParams): Recall {
    return run(recallPlan(this, queries, k, known(params, SEARCH)));
  }

  measureRecallAsync(
    queries: Components | number, k: number, params: SearchParams & CallOptions = {},
  ): Job<Recall> {
    return startJob(params, SEARCH_CALL, () => recallPlan(this, queries, k, params));
  }

  // ---- Maintenance

  #plainPlan(name: 'vdb_sync' | 'vdb_refresh' | 'vdb_cache_clear'): Plan<void> {
    return { name, args: () => [this.handle], finish: () => undefined };
  }

  #taskPlan(name: 'vdb_checkpoint' | 'vdb_wait_indexed'): Plan<void> {
    return { name, task: 'progress', reads: name === 'vdb_wait_indexed', args: (task) => [this.handle, task], finish: () => undefined };
  }

  /** Makes all batches so far as safe as the durability 'full' would have. */
  sync(): void {
    run(this.#plainPlan('vdb_sync'));
  }

  syncAsync(options?: SignalOption): Promise<void> {
    return start(options, SIGNAL, () => this.#plainPlan('vdb_sync'));
  }

  /** Writes the current state as immutable files and shortens the log, as the background work does by itself. */
  checkpoint(): void {
    run(this.#taskPlan('vdb_checkpoint'));
  }

  checkpointAsync(options?: CallOptions): Job<void> {
    return startJob(options, CALL, () => this.#taskPlan('vdb_checkpoint'));
  }

  /** Waits until every row is in the graph. Rows can be found before that too: waiting is for measurements. */
  waitIndexed(): void {
    run(this.#taskPlan('vdb_wait_indexed'));
  }

  waitIndexedAsync(options?: CallOptions): Job<void> {
    return startJob(options, CALL, () => this.#taskPlan('vdb_wait_indexed'));
  }

  /** Moves a database that is only read to the newest state that the writer has committed. */
  refresh(): void {
    run(this.#plainPlan('vdb_refresh'));
  }

  refreshAsync(options?: SignalOption): Promise<void> {
    return start(options, SIGNAL, () => this.#plainPlan('vdb_refresh'));
  }

  #checkPlan(level: CheckLevel): Plan<CheckReport> {
    const number = checkLevel[level];
    if (number === undefined) {
      throw invalid('VDB_ERR_UNSUPPORTED', `level is ${described(level)}: one of ${Object.keys(checkLevel).join(', ')} is needed`);
    }
    return { ...reportPlan<CheckReport>('vdb_check', CHECK_REPORT_MAX, [this.handle, number], (task) => [task]), reads: true };
  }

  /** Checks whether the database is whole. Where it is not, the error is VDB_ERR_CORRUPT and has the report. */
  check(level: CheckLevel = 'checksums'): CheckReport {
    return run(this.#checkPlan(level));
  }

  checkAsync(level: CheckLevel = 'checksums', options?: CallOptions): Job<CheckReport> {
    return startJob(options, CALL, () => this.#checkPlan(level));
  }

  /** A snapshot of the state that a search begun now would see. */
  snapshot(): Snapshot {
    return Snapshot.make(this);
  }

  /** Makes a backup of the newest state in a directory, beside searches and writes; opening it restores it. See vdb_backup in the header. */
  backup(path: Path, options: BackupOptions = {}): void {
    run(backupPlan(this, path, known(options, BACKUP)));
  }

  backupAsync(path: Path, options: BackupOptions & CallOptions = {}): Job<void> {
    return startJob(options, BACKUP_CALL, () => backupPlan(this, path, options));
  }

  /** Writes rows as a file of another program, see vdb_export in the header. */
  export(path: Path, options: ExportOptions = {}): void {
    run(exportPlan(this, path, known(options, EXPORT)));
  }

  exportAsync(path: Path, options: ExportOptions & CallOptions = {}): Job<void> {
    return startJob(options, EXPORT_CALL, () => exportPlan(this, path, options));
  }

  /** Writes the rows of such a file into the database, in batches; a file with anything wrong in it changes nothing. See vdb_import in the header. */
  import(path: Path, options: ImportOptions = {}): void {
    run(importPlan(this, path, known(options, IMPORT)));
  }

  importAsync(path: Path, options: ImportOptions & CallOptions = {}): Job<void> {
    return startJob(options, IMPORT_CALL, () => importPlan(this, path, options));
  }

  // ---- Seeing inside

  /** Statistics at this moment. */
  stats(): Stats {
    return readStats(this);
  }

  /** Searches as search() would, and tells how it went and why. */
  explain(query: Components, k: number, params?: SearchParams): Explanation {
    return run(explainPlan(this, query, k, known(params, SEARCH)));
  }

  explainAsync(query: Components, k: number, params: SearchParams & SignalOption = {}): Promise<Explanation> {
    return start(params, SEARCH_SIGNAL, () => explainPlan(this, query, k, params));
  }

  /** Tells about the columns of metadata: those that were declared (option columns), and those that filters looked at. */
  columns(): Columns {
    return readColumns(this);
  }

  /** How long calls of one kind took since the database was opened. */
  latency(call: Call): Latency {
    return readLatency(this, call);
  }

  /** Takes the lines out of the log that came since it was read last; each goes to one reader. See vdb_log_read in the header. */
  readLog(): string[] {
    return readLog(this);
  }

  /** Forgets the answers that are kept for later searches (option cacheBytes) and gives their memory back. */
  clearCache(): void {
    run(this.#plainPlan('vdb_cache_clear'));
  }
}

/** Version of the library, e.g. "0.1.0". */
export const version = (): string => native.vdb_version_string();
