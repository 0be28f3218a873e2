import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Database, Filter } from '../dist/index.js';
import { fails, fill, folder, sleep } from './helpers.mjs';

test('a snapshot stays what it is', async () => {
  const db = Database.open(null, { dim: 1 });
  db.insertRecords({ ids: [1, 2], vectors: [1, 2], keys: ['a', 'b'], meta: [{ x: 1 }, null] });
  const snapshot = db.snapshot();
  db.delete([1]);
  db.upsert([2, 3], [20, 30]);

  const then = { snapshot };
  assert.equal(db.count(undefined, then), 2);
  assert.deepEqual([...db.get([1, 2, 3], then).vectors], [1, 2, 0]);
  assert.deepEqual([...(await db.getAsync([1, 3], then)).found], [1, 0]);
  assert.deepEqual([...db.getInto([2], new Int8Array(1), then).vectors], [2]);
  assert.deepEqual(db.keysOfIds([1, 2], then), ['a', 'b']);
  assert.deepEqual(db.getMeta([1, 2], then), [{ x: 1 }, null]);
  assert.deepEqual([...db.idsOfKeys(['b', 'a'], then)], [2n, 1n]);
  const hits = db.search(Float32Array.of(0), 9, then);
  assert.deepEqual([[...hits.ids], [...hits.distances]], [[1n, 2n], [1, 4]]);
  assert.deepEqual(await db.searchAsync([0], 9, then), hits);
  const cursor = db.scan(undefined, then);
  assert.deepEqual([...cursor.next(9).ids], [1n, 2n]);
  cursor.close();
  assert.equal(db.count(), 2);

  const other = Database.open(null, { dim: 1 });
  assert.throws(() => other.count(undefined, then), fails('VDB_ERR_MISMATCH'));
  assert.throws(() => other.scan(undefined, then), fails('VDB_ERR_MISMATCH'));
  snapshot.close();
  snapshot[Symbol.dispose]();
  assert.throws(() => db.count(undefined, then), fails('VDB_ERR_CLOSED'));
  db.close();
  assert.throws(() => db.snapshot(), fails('VDB_ERR_CLOSED'));
  other.close();
});

test('a forgotten snapshot is freed', async () => {
  const db = Database.open(null, { dim: 1 });
  (() => db.snapshot())();
  for (let round = 0; db.stats().snapshots > 0; round++) {
    assert.ok(round < 500, 'it is still there');
    globalThis.gc();
    await sleep(10);
  }
  db.close();
});

test('a backup is a database', async (t) => {
  const root = folder(t);
  const path = (name) => join(root, name);
  const db = Database.open(path('db'), { dim: 4 });
  fill(db, 100);
  let last = [];
  await db.backupAsync(path('one'), { onProgress: (done, total) => (last = [done, total]) });
  assert.equal(last[0], last[1]);
  db.upsert([1000], [0, 0, 0, 0]);
  db.backup(path('two'), { previous: path('one') });
  assert.throws(() => db.backup(path('two')), fails('VDB_ERR_ALREADY_EXISTS'));
  await assert.rejects(db.backupAsync(path('x'), { previous: path('none') }), fails('VDB_ERR_NOT_FOUND'));
  await assert.rejects(db.backupAsync(path('x'), { signal: AbortSignal.abort() }), fails('VDB_ERR_CANCELLED'));
  for (const [name, rows] of [['one', 100], ['two', 101]]) {
    const copy = Database.open(path(name));
    assert.equal(copy.count(), rows);
    copy.close();
  }
  db.close();
});

test('rows go to files and back', async (t) => {
  const root = folder(t);
  const [lines, array] = [join(root, 'rows.jsonl'), join(root, 'rows.bin')];
  const db = Database.open(null, { dim: 2 });
  db.insert([5, 7, 9], [1, 2, 3, 4, 5, 6]);
  const filter = Filter.deny([7]);
  db.export(lines, { filter });
  await db.exportAsync(array, { format: 'npy' });
  assert.throws(() => db.export(array, { format: 'npy' }), fails('VDB_ERR_ALREADY_EXISTS'));
  assert.throws(() => db.export(join(root, 'x'), { format: 'pdf' }), fails('VDB_ERR_UNSUPPORTED'));
  assert.deepEqual(readFileSync(lines, 'utf8').trim().split('\n').map((line) => JSON.parse(line).id), [5, 9]);

  const into = Database.open(null, { dim: 2 });
  into.import(lines);
  assert.deepEqual([...into.get([5, 7, 9]).vectors], [1, 2, 0, 0, 5, 6]);
  await into.importAsync(array, { format: 'npy' });
  assert.equal(into.count(), 3);
  assert.throws(() => into.import(join(root, 'none.npy')), fails('VDB_ERR_NOT_FOUND'));
  assert.throws(() => into.import('a\0b'), fails('VDB_ERR_INVALID_ARGUMENT'));
  db.close();
  into.close();
});
