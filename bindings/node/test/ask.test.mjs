import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database, Filter, searchMany, searchManyAsync } from '../dist/index.js';
import { fails, fill, noise, sequence, sleep } from './helpers.mjs';

/** A database with the rows 0, 1, ... 9 on a line. */
const line = (from) => {
  const db = Database.open(null, { dim: 1 });
  db.insert(sequence(from, 10), Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  return db;
};

test('rows are asked for', async () => {
  const db = line(100);
  const hits = db.searchIds([103, 109], 2);
  assert.deepEqual([[...hits.ids], [...hits.distances]], [[102n, 104n, 108n, 107n], [1, 1, 1, 4]]);
  assert.deepEqual(await db.searchIdsAsync([103, 109], 2), hits);
  assert.throws(() => db.searchIds([103, 7], 2), fails('VDB_ERR_NOT_FOUND', ({ item }) => assert.equal(item, 1)));

  assert.deepEqual([...db.recommend({ positive: [104, 106] }, 2).ids], [105n, 103n]);
  assert.deepEqual([...(await db.recommendAsync({ positive: [104], negative: [105] }, 1)).ids], [103n]);
  assert.throws(() => db.recommend({ positive: [] }, 1), fails('VDB_ERR_INVALID_ARGUMENT'));

  assert.deepEqual([...db.searchDiverse([0.1], 2, { candidates: 10, lambda: 0 }).ids], [100n, 109n]);
  assert.deepEqual([...(await db.searchDiverseAsync([0.1], 2, { lambda: 1 })).ids], [100n, 101n]);
  assert.throws(() => db.searchDiverse([0], 2, { lambda: 2 }), fails('VDB_ERR_OUT_OF_RANGE'));
  assert.throws(() => db.searchDiverse([0], 2, { lambda: 1, candidates: -1 }), fails('VDB_ERR_OUT_OF_RANGE'));
  db.close();
});

test('groups are found', async () => {
  const db = Database.open(null, { dim: 1 });
  db.insertRecords({ ids: sequence(10, 5), vectors: [0, 1, 2, 3, 4], meta: [{ of: 'a' }, { of: 'b' }, null, { of: 'a' }, { of: 'a' }] });
  const hits = db.searchGroups([1], 'of', 5, 2);
  assert.deepEqual([...hits.counts], [1, 2]);
  assert.deepEqual([[...hits.row(0).ids], [...hits.row(1).ids]], [[11n], [10n, 13n]]);
  assert.deepEqual(await db.searchGroupsAsync([1], 'of', 5, 2), hits);
  assert.throws(() => db.searchGroups([1], 'of.', 5, 2), fails('VDB_ERR_FILTER_SYNTAX'));
  assert.throws(() => db.searchGroups([1], 'of', -1, 2), fails('VDB_ERR_LIMIT'));
  db.close();
});

test('several databases are searched as one', async () => {
  const [a, b] = [line(0), line(1000)];
  a.upsert([50], [4.4]);
  const hits = searchMany([a, b], [4.4, 9], 3);
  assert.deepEqual([...hits.ids], [50n, 4n, 1004n, 9n, 1009n, 8n]);
  assert.deepEqual([...hits.sources], [0, 0, 1, 0, 1, 0]);
  assert.deepEqual([...hits.row(1).sources], [0, 1, 0]);
  assert.deepEqual(await searchManyAsync([a, b], [4.4, 9], 3), hits);
  assert.deepEqual([...searchMany([], [1], 3).counts], [0]);
  const other = Database.open(null, { dim: 2 });
  assert.throws(() => searchMany([a, other], [1], 3), fails('VDB_ERR_MISMATCH'));
  b.close();
  assert.throws(() => searchMany([a, b], [1], 3), fails('VDB_ERR_CLOSED', ({ item }) => assert.equal(item, 1)));
  for (const db of [a, other]) db.close();
});

test('cursors go through all rows', async () => {
  const db = Database.open(null, { dim: 4 });
  const rows = fill(db, 1000);
  const wanted = db.search(rows.subarray(0, 4), 1000, { exact: true });
  const cursor = db.cursor(rows.subarray(0, 4), { exact: true });
  const first = cursor.next(7);
  assert.deepEqual([first.ids, first.distances], [wanted.ids.slice(0, 7), wanted.distances.slice(0, 7)]);
  const second = await cursor.nextAsync(7);
  assert.deepEqual([...second.ids], [...wanted.ids.slice(7, 14)]);
  db.close();
  const rest = [];
  for (const page of cursor) rest.push(...page.ids);
  assert.deepEqual(rest, [...wanted.ids.slice(14)]);
  cursor.close();
  cursor[Symbol.dispose]();
  assert.throws(() => cursor.next(), fails('VDB_ERR_CLOSED'));
  await assert.rejects(cursor.nextAsync(), fails('VDB_ERR_CLOSED'));
  assert.throws(() => db.cursor(rows.subarray(0, 4)), fails('VDB_ERR_CLOSED'));
  assert.throws(() => db.scan(), fails('VDB_ERR_CLOSED'));
});

test('a scan is in the order of ids', async () => {
  const db = line(100);
  const filter = Filter.deny([101, 108]);
  const cursor = db.scan(filter);
  filter.close();
  db.upsert([5], [0]);
  assert.deepEqual([...cursor.next(3).ids], [100n, 102n, 103n]);
  const rest = [];
  for await (const { ids, distances } of cursor) {
    rest.push(...ids);
    assert.ok(distances.every((distance) => distance === 0));
  }
  assert.deepEqual(rest, [104n, 105n, 106n, 107n, 109n]);
  cursor.close();
  db.close();
});

test('a signal ends a cursor', async () => {
  const db = Database.open(null, { dim: 4 });
  fill(db, 5000);
  const stop = new AbortController();
  const cursor = db.cursor(noise(1, 1, 4), { signal: stop.signal });
  assert.ok((await cursor.nextAsync(10)).ids.length > 0);
  const reason = new Error('enough');
  stop.abort(reason);
  const all = async () => {
    for await (const page of cursor) assert.ok(page.ids.length <= 256);
  };
  await assert.rejects(all(), fails('VDB_ERR_CANCELLED', (error) => assert.equal(error.cause, reason)));
  cursor.close();
  db.close();
});

test('forgotten cursors are freed', async () => {
  const db = line(0);
  const signal = new AbortController().signal;
  const handle = (() => db.cursor([1], { signal, filter: Filter.allow([1]) }).handle)();
  const { native } = await import('../dist/ffi.js');
  const next = () => native.vdb_cursor_next(handle, 0, null, null, new BigUint64Array(1), null);
  assert.equal(next(), 0);
  for (let round = 0; next() === 0; round++) {
    assert.ok(round < 500, 'the cursor is still there');
    globalThis.gc();
    await sleep(10);
  }
  assert.equal(next(), -22);
  db.close();
});
