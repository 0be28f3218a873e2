import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const quick = Boolean(process.env.VDB_TEST_QUICK);

/** Numbers that are the same for the same seed, about normal. */
export function noise(seed, count, dim) {
  let state = (seed + 1) * 2654435761;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count * dim }, () => next() + next() + next() - 1.5);
}

export const sequence = (from, count) => BigUint64Array.from({ length: count }, (_, i) => BigInt(from + i));

/** An empty folder for the time of a test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'vdb-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Inserts rows of noise with ids from 0 on. */
export function fill(db, count) {
  const rows = noise(1, count, db.dim);
  db.insert(sequence(0, count), rows);
  return rows;
}

/** What assert.throws and assert.rejects take: an error of this code, with a message. */
export const fails = (code, check = () => {}) => (error) => {
  assert.equal(error.name, 'VdbError', String(error.stack));
  assert.equal(error.code, code, error.message);
  assert.notEqual(error.message, '');
  check(error);
  return true;
};

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
