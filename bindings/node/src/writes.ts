/** Plans of the calls that write. */

import { OutU64, type Plan } from './call.js';
import type { Filter } from './filter.js';
import { ID_NONE, type Scalar } from './generated.js';
import { numberNeeded } from './handle.js';
import { json, textArguments, textsNeeded, toTexts, utf8, type Keys, type Metadata, type MetaObject } from './texts.js';
import { toIds, toVectors, type Components, type Ids, type Target } from './vectors.js';

/** Rows with keys and metadata. */
export interface Records {
  /** One for each row, or ID_NONE; without any all rows get one. */
  ids?: Ids | undefined;
  vectors: Components;
  /** Texts of 1 to 512 bytes that no other row has. Without any an upsert leaves keys as they are. */
  keys?: Keys | undefined;
  /** Without any an upsert leaves metadata as it is. */
  meta?: Metadata | undefined;
}

export function writePlan(
  db: Target, name: 'vdb_insert_batch' | 'vdb_upsert_batch', ids: Ids, vectors: Components, scalar?: Scalar,
): Plan<void> {
  const list = toIds(ids);
  const v = toVectors(vectors, db, scalar, list.length);
  return {
    name,
    task: 'progress',
    args: (task) => [db.handle, list, v.memory, v.count, v.dim, 0, v.scalar, task],
    finish: () => undefined,
  };
}

/** How many rows there are say the ids, else the keys, else the metadata, else the vectors. */
export function recordsPlan(
  db: Target, name: 'vdb_insert_records' | 'vdb_upsert_records', records: Records, scalar?: Scalar,
): Plan<BigUint64Array> {
  const given = records.ids && toIds(records.ids);
  let keys = toTexts('keys', records.keys, given?.length);
  let meta = toTexts('metadata', records.meta, given?.length);
  const texts = keys ?? meta;
  const v = toVectors(records.vectors, db, scalar, given?.length ?? (texts ? texts.offsets.length - 1 : undefined));
  keys = keys && toTexts('keys', keys, v.count);
  meta = meta && toTexts('metadata', meta, v.count);
  // The call writes the ids of the rows here: the caller's array stays as it was.
  const ids = given?.slice() ?? new BigUint64Array(v.count).fill(ID_NONE);
  return {
    name,
    task: 'progress',
    args: (task) => [
      db.handle, ids, ...textArguments(keys), v.memory, v.count, v.dim, 0, v.scalar, ...textArguments(meta), task,
    ],
    finish: () => ids,
  };
}

export function updatePlan(db: Target, ids: Ids, meta: Metadata): Plan<number> {
  const list = toIds(ids);
  const texts = textsNeeded('metadata', meta, list.length);
  const out = new OutU64();
  return {
    name: 'vdb_update_meta_batch',
    args: () => [db.handle, list, list.length, ...textArguments(texts), out.memory],
    finish: () => out.number,
  };
}

export function updateWherePlan(db: Target, filter: Filter, meta: MetaObject | string | null): Plan<number> {
  const rule = numberNeeded(filter, 'filter');
  const [bytes, length] = utf8('metadata', meta === null ? '' : typeof meta === 'string' ? meta : json('metadata', meta));
  const out = new OutU64();
  return {
    name: 'vdb_update_meta_where',
    task: 'progress',
    args: (task) => [db.handle, rule, bytes, length, out.memory, task],
    finish: () => out.number,
  };
}

export function deletePlan(db: Target, ids: Ids): Plan<number> {
  const list = toIds(ids);
  const out = new OutU64();
  return {
    name: 'vdb_delete_batch',
    args: () => [db.handle, list, list.length, out.memory],
    finish: () => out.number,
  };
}

export function deleteKeysPlan(db: Target, keys: Keys): Plan<number> {
  const texts = textsNeeded('keys', keys);
  const out = new OutU64();
  return {
    name: 'vdb_delete_keys',
    args: () => [db.handle, ...textArguments(texts), texts.offsets.length - 1, out.memory],
    finish: () => out.number,
  };
}

export function deleteWherePlan(db: Target, filter: Filter): Plan<number> {
  const [rule, out] = [numberNeeded(filter, 'filter'), new OutU64()];
  return {
    name: 'vdb_delete_where',
    task: 'progress',
    args: (task) => [db.handle, rule, out.memory, task],
    finish: () => out.number,
  };
}
