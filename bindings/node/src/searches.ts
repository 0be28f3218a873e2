/** Plans of the searches, and the short way of the one that is made most. */

import { OutU64, run, type Plan } from './call.js';
import { described, ErrorRecord, invalid } from './error.js';
import { addressOf, searchAt } from './ffi.js';
import { MAX_K, scalar as scalars, status as statuses, type Handle } from './generated.js';
import { numberOf } from './handle.js';
import { room } from './memory.js';
import { known, SEARCH } from './names.js';
import {
  BatchHits, checkK, ManyHits, NativeParams, real, Results, shown, type Hits, type RangeHits, type SearchParams,
} from './search.js';
import { utf8 } from './texts.js';
import { toIds, toVectors, type Components, type Ids, type Target, type Vectors } from './vectors.js';

/** A measured recall and its 95 % confidence interval. */
export interface Recall {
  recall: number;
  low: number;
  high: number;
}

// A search at once is over when it returns, and one on another thread takes copies of what is small: parameters need no memory of their
// own, nor do the count and error record of a search at once.
const record = new ErrorRecord();
const recordAddress = addressOf(record.bytes);
const count = new Uint32Array(1);
const countAddress = addressOf(count);
const shared = new NativeParams();
const sharedAddress = addressOf(shared.bytes);

/** One query at once. All that is not the common case goes by the plan. */
export function searchNow(db: Target, query: Components, k: number, params: SearchParams | undefined): Hits {
  if (!(query instanceof Float32Array) || params?.scalar !== undefined || !(Number.isInteger(k) && k > 0 && k <= MAX_K)) {
    return searchPlanned(db, query, k, params);
  }
  const address = params === undefined && db.scalar === 'f32' ? 0 : filled(params);
  const place = room(12 * k);
  const ids = new BigUint64Array(place.buffer, place.at, k);
  const distances = new Float32Array(place.buffer, place.at + 8 * k, k);
  const status = searchAt(
    db.handle, query, 1, query.length, 0, k, address,
    place.address, place.address + 8 * k, countAddress, recordAddress,
  );
  if (status < 0) throw record.error(status);
  const partial = status === statuses.VDB_PARTIAL;
  const found = count[0]!;
  if (found === k) return { ids, distances, partial };
  return { ids: ids.subarray(0, found), distances: distances.subarray(0, found), partial };
}

// What is not in searchNow itself: where it is long, V8 puts it into its callers no more, which costs 40 ns.

function searchPlanned(db: Target, query: Components, k: number, params: SearchParams | undefined): Hits {
  return run(searchPlan(db, query, k, known(params, SEARCH)));
}

/** Where the parameters of a search at once are. */
function filled(params: SearchParams | undefined): number {
  if (!shared.fill(params, scalars.f32, null)) known(params, SEARCH);
  return sharedAddress;
}

/** `own` for calls on other threads: see Results. */
export function searchPlan(db: Target, query: Components, k: number, params?: SearchParams, own = false): Plan<Hits> {
  const v = toVectors(query, db, params?.scalar, 1);
  const results = new Results(1, k, own);
  return plan(db, v, k, params, results, (partial) => results.hits(partial));
}

export function batchPlan(db: Target, queries: Components, k: number, params?: SearchParams, own = false): Plan<BatchHits> {
  const v = toVectors(queries, db, params?.scalar);
  const results = new Results(v.count, k, own);
  return plan(db, v, k, params, results, (partial) => results.batch(partial));
}

function plan<T>(
  db: Target, v: Vectors, k: number, params: SearchParams | undefined, results: Results, finish: (partial: boolean) => T,
): Plan<T> {
  return askPlan('vdb_search', params, v.scalar, (struct) => [
    db.handle, v.memory, v.count, v.dim, 0, k, struct, results.ids, results.distances, results.counts,
  ], finish);
}

export function rangePlan(
  db: Target, query: Components, maxDistance: number, limit: number, params?: SearchParams, own = false,
): Plan<RangeHits> {
  const v = toVectors(query, db, params?.scalar, 1);
  const most = real('maxDistance', maxDistance);
  const results = new Results(1, limit, own);
  const total = new OutU64();
  return askPlan('vdb_search_range', params, v.scalar, (struct) => [
    db.handle, v.memory, v.dim, most, limit, struct, results.ids, results.distances, total.memory,
  ], (partial) => {
    results.counts[0] = Math.min(total.number, limit);
    return { ...results.hits(partial), more: total.number > limit };
  });
}

/** The handles in the parameters of a search. */
export const usedBy = (params: SearchParams | undefined): Handle[] => [
  numberOf(params?.filter, 'filter'), numberOf(params?.snapshot, 'snapshot'),
];

/** A plan of a search: parameters with their task, and whether all of it was done. */
function askPlan<T>(
  name: Plan<T>['name'], params: SearchParams | undefined, scalar: number,
  args: (params: Uint8Array) => unknown[], finish: (partial: boolean) => T, others: readonly bigint[] = [],
): Plan<T> {
  return {
    name,
    task: 'signal',
    reads: true,
    uses: () => [...usedBy(params), ...others],
    args: (task) => {
      shared.fill(params, scalar, task);
      return args(shared.bytes);
    },
    finish: (status) => finish(status === statuses.VDB_PARTIAL),
  };
}

export function idsPlan(db: Target, ids: Ids, k: number, params?: SearchParams, own = false): Plan<BatchHits> {
  const rows = toIds(ids);
  const results = new Results(rows.length, k, own);
  return askPlan('vdb_search_ids', params, 0, (struct) => [
    db.handle, rows, rows.length, k, struct, results.ids, results.distances, results.counts,
  ], (partial) => results.batch(partial));
}

/** Rows to be like, and to be unlike. */
export interface Examples {
  positive: Ids;
  negative?: Ids | undefined;
}

export function recommendPlan(db: Target, examples: Examples, k: number, params?: SearchParams, own = false): Plan<Hits> {
  const [positive, negative] = [toIds(examples.positive), toIds(examples.negative ?? [])];
  const results = new Results(1, k, own);
  return askPlan('vdb_recommend', params, 0, (struct) => [
    db.handle, positive, positive.length, negative, negative.length, k, struct, results.ids, results.distances, results.counts,
  ], (partial) => results.hits(partial));
}

/** How results are kept apart. */
export interface Diversity {
  /** Rows to choose from; 4k without. */
  candidates?: number | undefined;
  /** 1 gives the nearest rows, 0 those farthest apart. */
  lambda: number;
}

export function diversePlan(
  db: Target, query: Components, k: number, params: SearchParams & Diversity, own = false,
): Plan<Hits> {
  const v = toVectors(query, db, params.scalar, 1);
  const results = new Results(1, k, own);
  const { candidates = 0 } = params;
  const lambda = real('lambda', params.lambda);
  if (!(Number.isInteger(candidates) && candidates >= 0)) {
    throw invalid('VDB_ERR_OUT_OF_RANGE', `candidates is ${shown(candidates)}: a whole number from 0 on is needed`);
  }
  return askPlan('vdb_search_diverse', params, v.scalar, (struct) => [
    db.handle, v.memory, v.dim, k, candidates, lambda, struct, results.ids, results.distances, results.counts,
  ], (partial) => results.hits(partial));
}

/** Groups are as queries in the results: those that were found. */
export function groupsPlan(
  db: Target, query: Components, path: string, groups: number, perGroup: number, params?: SearchParams, own = false,
): Plan<BatchHits> {
  const v = toVectors(query, db, params?.scalar, 1);
  const [bytes, length] = utf8('path', path);
  if (!(Number.isInteger(groups) && groups >= 0 && groups <= MAX_K)) {
    throw invalid('VDB_ERR_LIMIT', `groups is ${shown(groups)}: a whole number from 0 to ${MAX_K} is needed`);
  }
  const results = new Results(groups, perGroup, own);
  const found = new Uint32Array(1);
  return askPlan('vdb_search_groups', params, v.scalar, (struct) => [
    db.handle, v.memory, v.dim, bytes, length, groups, perGroup, struct, results.ids, results.distances, results.counts, found,
  ], (partial) => {
    const places = found[0]! * perGroup;
    return new BatchHits(
      perGroup, results.ids.subarray(0, places), results.distances.subarray(0, places), results.counts.subarray(0, found[0]), partial);
  });
}

export function manyPlan(
  dbs: readonly Target[], queries: Components, k: number, params?: SearchParams, own = false,
): Plan<ManyHits> {
  if (!Array.isArray(dbs)) throw invalid('VDB_ERR_INVALID_ARGUMENT', `dbs is ${described(dbs)}: an array of databases is needed`);
  const handles = BigUint64Array.from(dbs, (db) => db.handle);
  // Without a database nobody knows how many queries there are in the array: it is one then, for which nothing is found.
  const v = dbs[0] ? toVectors(queries, dbs[0], params?.scalar) : toVectors(queries, { dim: 1, scalar: 'f32' }, params?.scalar, 1);
  const results = new Results(v.count, k, own);
  const sources = new Uint32Array(v.count * k);
  return askPlan('vdb_search_many', params, v.scalar, (struct) => [
    handles, handles.length, v.memory, v.count, v.dim, 0, k, struct, results.ids, results.distances, sources, results.counts,
  ], (partial) => new ManyHits(results.batch(partial), sources), [...handles]);
}

/** A number instead of queries is that of stored rows to look for. */
export function recallPlan(db: Target, queries: Components | number, k: number, params?: SearchParams): Plan<Recall> {
  if (typeof queries === 'number' && !(Number.isInteger(queries) && queries >= 0)) {
    throw invalid('VDB_ERR_OUT_OF_RANGE', `${queries} rows: a whole number from 0 on is needed`);
  }
  checkK(k);
  const v = typeof queries === 'number'
    ? { memory: null, count: queries, dim: db.dim, scalar: 0 }
    : toVectors(queries, db, params?.scalar);
  const out = [new Float64Array(1), new Float64Array(1), new Float64Array(1)] as const;
  return {
    name: 'vdb_measure_recall',
    task: 'progress',
    reads: true,
    uses: () => usedBy(params),
    args: (task) => {
      shared.fill(params, v.scalar, null);
      return [db.handle, v.memory, v.count, v.dim, 0, k, shared.bytes, ...out, task];
    },
    finish: () => ({ recall: out[0][0]!, low: out[1][0]!, high: out[2][0]! }),
  };
}
