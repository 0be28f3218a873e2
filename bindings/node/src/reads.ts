/** Plans of the calls that read rows by their ids and keys. */

import { OutU64, run, type Plan, type SignalOption } from './call.js';
import { described, invalid, type VdbError } from './error.js';
import type { Filter } from './filter.js';
import type { Handle, Scalar } from './generated.js';
import { numberOf, unuse, use } from './handle.js';
import { start } from './job.js';
import { AT_SIGNAL, known } from './names.js';
import type { Snapshot } from './snapshot.js';
import { textArguments, textList, textsNeeded, type Keys, type Texts } from './texts.js';
import { toIds, toVectors, type Ids, type Target } from './vectors.js';

/** The state that is read. */
export interface At {
  /** Without it is the newest. */
  snapshot?: Snapshot | undefined;
}

const number = (at: At): Handle => numberOf(at.snapshot, 'snapshot');

/** Vectors that were read. */
export interface Rows<T> {
  vectors: T;
  /** 1 for each id that is there, else 0. */
  found: Uint8Array;
}

export function getPlan<T extends ArrayBufferView>(
  db: Target, ids: Ids, into: T, at: At & { scalar?: Scalar | undefined },
): Plan<Rows<T>> {
  const list = toIds(ids);
  if (!ArrayBuffer.isView(into)) throw invalid('VDB_ERR_INVALID_ARGUMENT', `into is ${described(into)}: a typed array is needed`);
  const v = toVectors(into, db, at.scalar, list.length);
  const found = new Uint8Array(list.length);
  return {
    name: 'vdb_get_batch_at',
    reads: true,
    args: () => [db.handle, number(at), list, v.count, v.dim, v.scalar, v.memory, 0, found],
    finish: () => ({ vectors: into, found }),
  };
}

export function countPlan(db: Target, filter: Filter | null | undefined, at: At): Plan<number> {
  const [rule, out] = [numberOf(filter, 'filter'), new OutU64()];
  return {
    name: 'vdb_count_at',
    reads: true,
    args: () => [db.handle, number(at), rule, out.memory],
    finish: () => out.number,
  };
}

export function idsOfKeysPlan(db: Target, keys: Keys, at: At): Plan<BigUint64Array> {
  const texts = textsNeeded('keys', keys);
  const ids = new BigUint64Array(texts.offsets.length - 1);
  return {
    name: 'vdb_ids_of_keys_at',
    reads: true,
    args: () => [db.handle, number(at), ...textArguments(texts), ids.length, ids],
    finish: () => ids,
  };
}

/** Which texts of rows are read, and how many bytes one has at a guess. */
export const KEYS = { name: 'vdb_keys_of_ids_at', each: 32 } as const;
export const META = { name: 'vdb_get_meta_at', each: 256 } as const;
type Kind = typeof KEYS | typeof META;

/** The handles of a database and of a snapshot or null: what is read. */
type State = readonly [db: bigint, snapshot: Handle];

const stateOf = (db: Target, at: At): State => [db.handle, number(at)];

/** The call with room for so many bytes; `length` has those that it takes. */
function textsPlan(state: State, kind: Kind, list: BigUint64Array, cap: number, length: OutU64): Plan<Texts> {
  const offsets = new BigUint64Array(list.length + 1);
  const bytes = new Uint8Array(cap);
  return {
    name: kind.name,
    reads: true,
    args: () => [...state, list, list.length, bytes, cap, offsets, length.memory],
    finish: () => ({ bytes: bytes.subarray(0, length.number), offsets }),
  };
}

function unlessTooSmall(error: unknown): void {
  if ((error as VdbError).code !== 'VDB_ERR_BUFFER_TOO_SMALL') throw error;
}

/** Reads the texts of rows, into memory that is enlarged until they fit: others may write meanwhile. */
export function readTexts(db: Target, kind: Kind, ids: Ids, at: At): Texts {
  const [state, list] = [stateOf(db, at), toIds(ids)];
  const length = new OutU64();
  for (let cap = Math.max(1, kind.each * list.length); ; cap = length.number) {
    try {
      return run(textsPlan(state, kind, list, cap, length));
    } catch (error) {
      unlessTooSmall(error);
    }
  }
}

/** The same on a worker thread. */
export async function readTextsAsync(db: Target, kind: Kind, ids: Ids, options: At & SignalOption): Promise<Texts> {
  // Meanwhile the caller may write to the array, and close what is read: the call may have to be made again.
  const state = stateOf(db, known(options, AT_SIGNAL));
  const list = toIds(ids).slice();
  const length = new OutU64();
  const used = state.filter((handle) => handle !== null);
  use(used);
  try {
    for (let cap = Math.max(1, kind.each * list.length); ; cap = length.number) {
      try {
        return await start(options, AT_SIGNAL, () => textsPlan(state, kind, list, cap, length));
      } catch (error) {
        unlessTooSmall(error);
      }
    }
  } finally {
    unuse(used);
  }
}

export const keyList = (texts: Texts): (string | null)[] => textList(texts).map((key) => key || null);

export const metaList = (texts: Texts): (Record<string, unknown> | null)[] =>
  textList(texts).map((text) => (text ? (JSON.parse(text) as Record<string, unknown>) : null));
