/** Parameters and results of searches. */

import { described, invalid } from './error.js';
import type { Filter } from './filter.js';
import { layouts, MAX_K, searchFlag, type Handle, type Scalar } from './generated.js';
import { numberOf } from './handle.js';
import { room } from './memory.js';
import type { Snapshot } from './snapshot.js';

/** How a search runs. */
export interface SearchParams {
  /** Breadth of the graph search, instead of the option efSearch. */
  ef?: number | undefined;
  /** Share of the true neighbours to find on average, instead of an ef. */
  targetRecall?: number | undefined;
  /** Candidates whose exact distance is computed. */
  rerank?: number | undefined;
  /** Compare with every row instead of walking the graph. */
  exact?: boolean | undefined;
  /** Time after which the search returns what it has, with `partial`; with 0 that is at once. */
  deadlineMs?: number | undefined;
  /** Rows that may be results. */
  filter?: Filter | undefined;
  /** State to search, without the newest. */
  snapshot?: Snapshot | undefined;
  /** Bytes of working memory that each query may take; what does not fit is left out, with `partial`. */
  maxMemory?: number | undefined;
  /** Neither take the answer from the cache (option cacheBytes) nor leave it there. */
  noCache?: boolean | undefined;
  /** Type of the query components, where the array does not tell. */
  scalar?: Scalar | undefined;
}

/** The hits of one query: parallel arrays, nearest first. */
export interface Hits {
  ids: BigUint64Array;
  distances: Float32Array;
  /** Whether the deadline ended the search: what is there is valid, but it is not all. */
  partial: boolean;
}

/** The hits of a range search. */
export interface RangeHits extends Hits {
  /** Whether there are more than were asked for. */
  more: boolean;
}

/** The hits of several queries: k places for each. */
export class BatchHits {
  constructor(
    /** Places of a query. */
    readonly k: number,
    /** k ids for each query; places left over are 2^64 - 1. */
    readonly ids: BigUint64Array,
    /** k distances for each query; places left over are Infinity. */
    readonly distances: Float32Array,
    /** Number of hits of each query. */
    readonly counts: Uint32Array,
    /** Whether the deadline ended the search. */
    readonly partial: boolean,
  ) {}

  /** The hits of one query; views of the same memory. */
  row(query: number): Hits {
    const from = query * this.k;
    const to = from + (this.counts[query] ?? 0);
    return { ids: this.ids.subarray(from, to), distances: this.distances.subarray(from, to), partial: this.partial };
  }
}

/** The hits of several queries in several databases. */
export class ManyHits extends BatchHits {
  constructor(
    hits: BatchHits,
    /** For each place the database that the row is from, as its place in the list; 2^32 - 1 where there is none. */
    readonly sources: Uint32Array,
  ) {
    super(hits.k, hits.ids, hits.distances, hits.counts, hits.partial);
  }

  override row(query: number): Hits & { sources: Uint32Array } {
    const hits = super.row(query);
    return { ...hits, sources: this.sources.subarray(query * this.k, query * this.k + hits.ids.length) };
  }
}

// Where the fields are, in units of their own size, 64 bits as two halves: parameters are filled for each search that has any.
const at = layouts.SearchParams.fields;
const [EF, SCALAR, FLAGS, RERANK, RECALL, DEADLINE, MEMORY] = (
  [at.ef, at.queryScalar, at.flags, at.rerank, at.targetRecall, at.deadlineUs, at.maxMemory].map(([byte]) => byte / 4)
) as [number, number, number, number, number, number, number];
const [TASK, FILTER, SNAPSHOT] = [at.task, at.filter, at.snapshot].map(([byte]) => byte / 8) as [number, number, number];
const WORDS = layouts.SearchParams.size / 4;

/** The parameters of a search as the library reads them. */
export class NativeParams {
  readonly bytes: Uint8Array = new Uint8Array(layouts.SearchParams.size);
  readonly #u32 = new Uint32Array(this.bytes.buffer);
  readonly #f32 = new Float32Array(this.bytes.buffer);
  readonly #u64 = new BigUint64Array(this.bytes.buffer);

  /**
   * Writes all of them anew, and says whether they are an object that has no other names: to look at those that are there costs less
   * than to look for all that there could be.
   */
  fill(params: SearchParams | undefined, scalar: number, task: Handle): boolean {
    const [u32, u64] = [this.#u32, this.#u64];
    u32[0] = layouts.SearchParams.size;
    for (let word = 1; word < WORDS; word++) u32[word] = 0;
    u32[SCALAR] = scalar;
    if (task !== null) u64[TASK] = task;
    let own = typeof params === 'object' && params !== null;
    for (const name in params) {
      const value = params[name as keyof SearchParams];
      if (value === undefined) continue;
      switch (name as keyof SearchParams) {
        case 'ef':
          u32[EF] = whole(name, value, 0xffff_ffff);
          break;
        case 'rerank':
          u32[RERANK] = whole(name, value, 0xffff_ffff);
          break;
        case 'targetRecall':
          this.#f32[RECALL] = real(name, value);
          break;
        case 'exact':
          if (value) u32[FLAGS]! |= searchFlag.exact;
          break;
        case 'noCache':
          if (value) u32[FLAGS]! |= searchFlag.no_cache;
          break;
        case 'deadlineMs':
          // No time left is still a limit, where the library has 0 for none.
          this.#u53(DEADLINE, whole('deadlineMs * 1000', typeof value === 'number' ? Math.ceil(value * 1000) : value, 2 ** 53) || 1);
          break;
        case 'maxMemory':
          this.#u53(MEMORY, whole(name, value, 2 ** 53));
          break;
        case 'filter':
          u64[FILTER] = numberOf(value as Filter, 'filter') ?? 0n;
          break;
        case 'snapshot':
          u64[SNAPSHOT] = numberOf(value as Snapshot, 'snapshot') ?? 0n;
          break;
        case 'scalar':
          break;
        default:
          own = false;
      }
    }
    return own;
  }

  #u53(word: number, value: number): void {
    this.#u32[word] = value;
    this.#u32[word + 1] = value / 2 ** 32;
  }
}

/** A number, or a value that is none, so that the text '3' is not taken for 3. */
export const shown = (value: unknown): string => (typeof value === 'number' ? String(value) : described(value));

function whole(name: string, value: unknown, max: number): number {
  if (!(typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max)) {
    throw invalid('VDB_ERR_OUT_OF_RANGE', `${name} is ${shown(value)}: a whole number from 0 to ${max} is needed`);
  }
  return value;
}

/** A number that the library looks at. */
export function real(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalid('VDB_ERR_OUT_OF_RANGE', `${name} is ${described(value)}: a number is needed`);
  return value;
}

export function checkK(k: number): void {
  if (!(Number.isInteger(k) && k >= 0)) throw invalid('VDB_ERR_OUT_OF_RANGE', `k is ${shown(k)}: a whole number from 0 on is needed`);
  if (k > MAX_K) throw invalid('VDB_ERR_LIMIT', `k is ${k}: ${MAX_K} is the most`);
}

/** What a buffer can have in all versions of Node. */
const MOST_BYTES = 2 ** 32;

/** Room for the results of `queries` searches: ids, then distances, then counts. */
export class Results {
  readonly ids: BigUint64Array;
  readonly distances: Float32Array;
  readonly counts: Uint32Array;

  /** `own`: in a buffer that shares nothing with results that somebody has already, for a call on another thread. */
  constructor(readonly queries: number, readonly k: number, own: boolean) {
    checkK(k);
    const places = queries * k;
    const bytes = places * 12 + queries * 4;
    if (bytes >= MOST_BYTES) throw invalid('VDB_ERR_LIMIT', `${queries} queries with k = ${k} are too many results for one call`);
    const { buffer, at } = own ? { buffer: new ArrayBuffer(bytes), at: 0 } : room(bytes);
    this.ids = new BigUint64Array(buffer, at, places);
    this.distances = new Float32Array(buffer, at + 8 * places, places);
    this.counts = new Uint32Array(buffer, at + 12 * places, queries);
  }

  /** The hits of the first query. */
  hits(partial: boolean): Hits {
    const count = this.counts[0]!;
    if (count === this.k) return { ids: this.ids, distances: this.distances, partial };
    return { ids: this.ids.subarray(0, count), distances: this.distances.subarray(0, count), partial };
  }

  batch(partial: boolean): BatchHits {
    return new BatchHits(this.k, this.ids, this.distances, this.counts, partial);
  }
}
