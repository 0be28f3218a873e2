/** Plans of the calls that read rows by their ids and keys. */

import { OutU64, run, type Plan } from './call.js';
import { described, invalid, type VdbError } from './error.js';
import type { Filter } from './filter.js';
import type { Handle, Scalar } from './generated.js';
import { numberOf } from './handle.js';
import type { Snapshot } from './snapshot.js';
import { textArguments, textsNeeded, type Keys, type Texts } from './texts.js';
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
    args: () => [db.handle, number(at), list, v.count, v.dim, v.scalar, v.memory, 0, found],
    finish: () => ({ vectors: into, found }),
  };
}

export function countPlan(db: Target, filter: Filter | undefined, at: At): Plan<number> {
  const [rule, out] = [numberOf(filter, 'filter'), new OutU64()];
  return {
    name: 'vdb_count_at',
    args: () => [db.handle, number(at), rule, out.memory],
    finish: () => out.number,
  };
}

export function idsOfKeysPlan(db: Target, keys: Keys, at: At): Plan<BigUint64Array> {
  const texts = textsNeeded('keys', keys);
  const ids = new BigUint64Array(texts.offsets.length - 1);
  return {
    name: 'vdb_ids_of_keys_at',
    args: () => [db.handle, number(at), ...textArguments(texts), ids.length, ids],
    finish: () => ids,
  };
}

/** Reads the texts of rows, into memory that is enlarged until they fit: others may write meanwhile. */
export function readTexts(db: Target, name: 'vdb_keys_of_ids_at' | 'vdb_get_meta_at', ids: Ids, each: number, at: At): Texts {
  const list = toIds(ids);
  const offsets = new BigUint64Array(list.length + 1);
  const length = new OutU64();
  for (let cap = Math.max(1, each * list.length); ; cap = length.number) {
    const bytes = new Uint8Array(cap);
    try {
      return run({
        name,
        args: () => [db.handle, number(at), list, list.length, bytes, cap, offsets, length.memory],
        finish: () => ({ bytes: bytes.subarray(0, length.number), offsets }),
      });
    } catch (error) {
      if ((error as VdbError).code !== 'VDB_ERR_BUFFER_TOO_SMALL') throw error;
    }
  }
}
