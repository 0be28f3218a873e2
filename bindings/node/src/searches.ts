/** Plans of the searches, and the short way of the one that is made most. */

import { OutU64, run, type Plan } from './call.js';
import { ErrorRecord, invalid } from './error.js';
import { addressOf, searchAt } from './ffi.js';
import { MAX_K, scalar as scalars, status as statuses } from './generated.js';
import { room } from './memory.js';
import { NativeParams, Results, type BatchHits, type Hits, type RangeHits, type SearchParams } from './search.js';
import { toVectors, type Components, type Target, type Vectors } from './vectors.js';

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

/** One query at once. All that is not the common case goes by the plan. */
export function searchNow(db: Target, query: Components, k: number, params: SearchParams | undefined): Hits {
  if (!(query instanceof Float32Array) || params?.scalar !== undefined || !(k > 0 && k <= MAX_K && Number.isInteger(k))) {
    return run(searchPlan(db, query, k, params));
  }
  let address = 0;
  if (params !== undefined || db.scalar !== 'f32') {
    shared.fill(params, scalars.f32, null);
    address = sharedAddress;
  }
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
  const struct = new NativeParams();
  return {
    name: 'vdb_search',
    task: true,
    args: (task) => {
      struct.fill(params, v.scalar, task);
      return [db.handle, v.memory, v.count, v.dim, 0, k, struct.bytes, results.ids, results.distances, results.counts];
    },
    finish: (status) => finish(status === statuses.VDB_PARTIAL),
  };
}

export function rangePlan(
  db: Target, query: Components, maxDistance: number, limit: number, params?: SearchParams, own = false,
): Plan<RangeHits> {
  const v = toVectors(query, db, params?.scalar, 1);
  const results = new Results(1, limit, own);
  const struct = new NativeParams();
  const total = new OutU64();
  return {
    name: 'vdb_search_range',
    task: true,
    args: (task) => {
      struct.fill(params, v.scalar, task);
      return [db.handle, v.memory, v.dim, maxDistance, limit, struct.bytes, results.ids, results.distances, total.memory];
    },
    finish: (status) => {
      results.counts[0] = Math.min(total.number, limit);
      return { ...results.hits(status === statuses.VDB_PARTIAL), more: total.number > limit };
    },
  };
}

/** A number instead of queries is that of stored rows to look for. */
export function recallPlan(db: Target, queries: Components | number, k: number, params?: SearchParams): Plan<Recall> {
  if (typeof queries === 'number' && !(Number.isInteger(queries) && queries >= 0)) {
    throw invalid('VDB_ERR_OUT_OF_RANGE', `${queries} rows: a whole number from 0 on is needed`);
  }
  const v = typeof queries === 'number'
    ? { memory: null, count: queries, dim: db.dim, scalar: 0 }
    : toVectors(queries, db, params?.scalar);
  const struct = new NativeParams();
  const out = [new Float64Array(1), new Float64Array(1), new Float64Array(1)] as const;
  return {
    name: 'vdb_measure_recall',
    task: true,
    args: (task) => {
      struct.fill(params, v.scalar, null);
      return [db.handle, v.memory, v.count, v.dim, 0, k, struct.bytes, ...out, task];
    },
    finish: () => ({ recall: out[0][0]!, low: out[1][0]!, high: out[2][0]! }),
  };
}
