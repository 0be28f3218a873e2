import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildInfo, Database, Filter, ID_NONE, MAX_K, optionTable, repair, VdbError, version } from '../dist/index.js';
import { fails, fill, folder, noise, sequence } from './helpers.mjs';

test('rows can be written, found and deleted', () => {
  using(Database.open(null, { dim: 4, metric: 'cosine' }), (db) => {
    assert.deepEqual([db.dim, db.metric, db.scalar], [4, 'cosine', 'f32']);
    db.upsert([10, 20n, 30], Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0));
    const hits = db.search(Float32Array.of(1, 0.2, 0, 0), 5);
    assert.deepEqual([...hits.ids], [10n, 30n, 20n]);
    assert.equal(hits.distances.length, 3);
    assert.ok(Math.abs(hits.distances[0] - 0.019419) < 1e-5);
    assert.equal(hits.partial, false);
    assert.equal(db.delete(BigUint64Array.of(10n, 30n, 77n)), 2);
    assert.equal(db.count(), 1);
    const { vectors, found } = db.get([10, 20]);
    assert.deepEqual([...found], [0, 1]);
    assert.deepEqual([...vectors], [0, 0, 0, 0, 0, 1, 0, 0]);
  });
});

/** Closes what a test has opened, as `using` will in newer versions of the language. */
function using(db, run) {
  try {
    return run(db);
  } finally {
    db[Symbol.dispose]();
  }
}

test('a database is there again after it was closed', (t) => {
  const path = join(folder(t), 'db');
  let db = Database.open(path, { dim: 8, efConstruction: 77 });
  fill(db, 100);
  db.sync();
  db.checkpoint();
  db.close();
  db = Database.open(path);
  assert.equal(db.count(), 100);
  assert.equal(db.option('efConstruction'), 77);
  assert.equal(db.option('schema.metric'), 'l2sq');
  assert.equal(db.option('consolidateRatio'), 0.1);
  assert.equal(db.option('mmap'), true);
  assert.throws(() => Database.open(path), fails('VDB_ERR_LOCKED'));
  const reader = Database.open(path, { readOnly: true });
  db.upsert([1000], noise(2, 1, 8));
  reader.refresh();
  assert.equal(reader.count(), 101);
  assert.throws(() => reader.delete([1]), fails('VDB_ERR_READ_ONLY'));
  reader.close();
  db.close();
});

test('vectors of each type go in and come out', () => {
  const row = [1, 2, 3, -4];
  for (const scalar of ['f32', 'f16', 'bf16', 'i8']) {
    using(Database.open(null, { dim: 4, scalar }), (db) => {
      db.insert([1], Float32Array.from(row));
      db.insert([2], Int8Array.from(row));
      db.insert([3], Uint16Array.of(0x3c00, 0x4000, 0x4200, 0xc400), { scalar: 'f16' });
      db.insert([4], Uint16Array.of(0x3f80, 0x4000, 0x4040, 0xc080), { scalar: 'bf16' });
      db.insert([5], row);
      db.insert([6], new Uint8Array(Float32Array.from(row).buffer), { scalar: 'f32' });
      assert.deepEqual([...db.get(sequence(1, 6)).vectors], Array(6).fill(row).flat());
      assert.deepEqual([...db.getInto([1, 2], new Int8Array(8)).vectors], [...row, ...row]);
      assert.equal(db.search(Int8Array.from(row), 1).distances[0], 0);
      assert.equal(db.search(Float32Array.from(row), 1).distances[0], 0);
    });
  }
  using(Database.open(null, { dim: 2, scalar: 'bf16' }), (db) => {
    db.insert([1], Uint16Array.of(0x3f80, 0x4000));
    assert.deepEqual([...db.get([1]).vectors], [1, 2]);
  });
  using(Database.open(null, { dim: 4, scalar: 'u8' }), (db) => {
    db.insert([1], Uint8Array.of(1, 2, 3, 255));
    assert.deepEqual([...db.get([1]).vectors], [1, 2, 3, 255]);
  });
  using(Database.open(null, { dim: 12, scalar: 'b1', metric: 'hamming' }), (db) => {
    db.insert([1, 2], Uint8Array.of(0xff, 0x0f, 0x0f, 0));
    const hits = db.search(Uint8Array.of(0x0f, 0), 2);
    assert.deepEqual([[...hits.ids], [...hits.distances]], [[2n, 1n], [0, 8]]);
    assert.throws(() => db.insert([3], noise(1, 1, 12)), fails('VDB_ERR_MISMATCH'));
  });
});

test('views of larger buffers are passed as they are', () => {
  using(Database.open(null, { dim: 2 }), (db) => {
    const memory = Float32Array.of(9, 9, 1, 2, 3, 4, 9);
    db.insert(sequence(0, 9).subarray(1, 3), memory.subarray(2, 6));
    assert.deepEqual([...db.get([1, 2]).vectors], [1, 2, 3, 4]);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([3, 4]);
    assert.deepEqual([...db.search(shared, 1).ids], [2n]);
    const into = new Float32Array(6);
    db.getInto([2], into.subarray(3, 5));
    assert.deepEqual([...into], [0, 0, 0, 3, 4, 0]);
  });
});

test('an exact search is the plain answer', () => {
  using(Database.open(null, { dim: 8 }), (db) => {
    const rows = fill(db, 500);
    const queries = noise(9, 20, 8);
    const even = Filter.allow(sequence(0, 500).filter((id) => id % 2n === 0n));
    const plain = (q, passes) => {
      const distance = (i) => {
        let sum = 0;
        for (let j = 0; j < 8; j++) sum += (rows[i * 8 + j] - queries[q * 8 + j]) ** 2;
        return sum;
      };
      const ids = [...Array(500).keys()].filter(passes).map((i) => [distance(i), i]);
      return ids.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, 7).map(([, i]) => BigInt(i));
    };
    const all = db.searchBatch(queries, 7, { exact: true });
    const filtered = db.searchBatch(queries, 7, { exact: true, filter: even });
    for (let q = 0; q < 20; q++) {
      assert.deepEqual([...all.row(q).ids], plain(q, () => true));
      assert.deepEqual([...filtered.row(q).ids], plain(q, (i) => i % 2 === 0));
      assert.deepEqual(db.search(queries.subarray(q * 8, q * 8 + 8), 7, { exact: true }).ids, all.row(q).ids);
    }
    assert.equal(db.count(even), 250);
    const few = Filter.deny(sequence(0, 490));
    assert.equal(db.count(few), 10);
    few.close();
    few.close();
    assert.throws(() => db.count(few), fails('VDB_ERR_CLOSED'));
    even[Symbol.dispose]();
  });
});

test('nothing to find is no error', () => {
  using(Database.open(null, { dim: 4 }), (db) => {
    for (const k of [0, 3]) assert.equal(db.search(noise(1, 1, 4), k).ids.length, 0);
    const none = db.searchBatch(new Float32Array(0), 3);
    assert.deepEqual([none.ids.length, none.counts.length], [0, 0]);
    db.insert([], []);
    assert.equal(db.get([]).vectors.length, 0);
    db.insert([1], noise(1, 1, 4));
    const batch = db.searchBatch(noise(1, 2, 4), 3);
    assert.deepEqual([...batch.counts], [1, 1]);
    assert.deepEqual([...batch.ids], [1n, ID_NONE, ID_NONE, 1n, ID_NONE, ID_NONE]);
    assert.equal(batch.distances[1], Infinity);
  });
});

test('range search', () => {
  using(Database.open(null, { dim: 1 }), (db) => {
    db.insert(sequence(0, 10), Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const all = db.searchRange([0], 9, 100);
    assert.deepEqual([[...all.ids], all.more], [[0n, 1n, 2n, 3n], false]);
    const two = db.searchRange([0], 9, 2);
    assert.deepEqual([[...two.ids], two.more], [[0n, 1n], true]);
    assert.deepEqual([db.searchRange([0], 9, 0).more, db.searchRange([-9], 9, 0).more], [true, false]);
    assert.throws(() => db.searchRange([0], NaN, 1), fails('VDB_ERR_INVALID_ARGUMENT'));
  });
});

test('recall is measured, and statistics count', () => {
  using(Database.open(null, { dim: 8 }), (db) => {
    fill(db, 3000);
    db.waitIndexed();
    for (const r of [db.measureRecall(noise(4, 50, 8), 10), db.measureRecall(50, 10, { ef: 100 })]) {
      assert.ok(r.recall > 0.9 && r.low <= r.recall && r.recall <= r.high && r.high <= 1, JSON.stringify(r));
    }
    db.search(noise(5, 1, 8), 10, { targetRecall: 0.9 });
    const stats = db.stats();
    assert.deepEqual([stats.live, stats.dim, stats.graphNodes, stats.searches], [3000, 8, 3000, 1]);
  });
});

test('a search out of time has what it found', () => {
  using(Database.open(null, { dim: 64, graphMinRows: 2 ** 31 }), (db) => {
    fill(db, 20000);
    assert.equal(db.searchBatch(noise(3, 200, 64), 10, { deadlineMs: 0.0001 }).partial, true);
    assert.equal(db.search(noise(3, 1, 64), 10, { deadlineMs: 60000 }).partial, false);
  });
});

test('errors have a code, a row and a message', (t) => {
  using(Database.open(null, { dim: 2 }), (db) => {
    db.insert([1, 2], [1, 2, 3, 4]);
    assert.throws(() => db.insert([7, 8, 2], noise(1, 3, 2)), fails('VDB_ERR_ALREADY_EXISTS', (error) => {
      assert.ok(error instanceof VdbError && error instanceof Error);
      assert.deepEqual([error.item, error.status, error.osError], [2, -21, 0]);
      assert.match(error.message, /id 2 exists already/);
    }));
    assert.equal(db.count(), 2);
    assert.throws(() => db.upsert([5], noise(1, 1, 3)), fails('VDB_ERR_DIMENSION', ({ item }) => assert.equal(item, null)));
    assert.throws(() => db.upsert([5, 6], noise(1, 1, 3)), fails('VDB_ERR_DIMENSION'));
    assert.throws(() => db.search(noise(1, 1, 3), 1), fails('VDB_ERR_DIMENSION'));
    assert.throws(() => db.search(noise(1, 1, 2), 1, { scalar: 'f16' }), fails('VDB_ERR_UNSUPPORTED'));
    assert.throws(() => db.upsert([5], [1, NaN]), fails('VDB_ERR_NOT_FINITE', ({ item }) => assert.equal(item, 0)));
    assert.throws(() => db.search(noise(1, 1, 2), MAX_K + 1), fails('VDB_ERR_LIMIT'));
    for (const k of [-1, 1.5, NaN, '3']) assert.throws(() => db.search(noise(1, 1, 2), k), fails('VDB_ERR_OUT_OF_RANGE'));
    assert.throws(() => db.search(noise(1, 1, 2), 1, { ef: -1 }), fails('VDB_ERR_OUT_OF_RANGE'));
    assert.throws(() => db.search(noise(1, 1, 2), 1, { ef: 9, targetRecall: 0.9 }), fails('VDB_ERR_INVALID_ARGUMENT'));
    assert.throws(() => db.search(new Float64Array(2), 1), fails('VDB_ERR_UNSUPPORTED'));
    assert.throws(() => db.search(noise(1, 1, 2), 1, { scalar: 'f8' }), fails('VDB_ERR_UNSUPPORTED'));
    for (const id of [-1, 2 ** 60, 0.5, 2n ** 64n, '1', undefined]) {
      assert.throws(() => db.delete([id]), fails('VDB_ERR_INVALID_ARGUMENT'), String(id));
    }
    assert.throws(() => db.delete('1'), fails('VDB_ERR_INVALID_ARGUMENT'));
  });
  const none = join(folder(t), 'none');
  assert.throws(() => Database.open(none, { dim: 2, create: false }), fails('VDB_ERR_NOT_FOUND'));
  assert.throws(() => Database.open('a\0b'), fails('VDB_ERR_INVALID_ARGUMENT'));
  assert.throws(() => Database.open(null), fails('VDB_ERR_INVALID_ARGUMENT'));
  assert.throws(() => repair(none, join(none, 'x')), fails('VDB_ERR_NOT_FOUND'));
});

test('options take numbers, texts and booleans', () => {
  const options = { dim: 3n, metric: 'ip', m: '24', consolidateRatio: 1, mmap: false, resident: 'off', 'hnsw.ef_search': 99 };
  using(Database.open(null, options), (db) => {
    const names = ['dim', 'metric', 'm', 'consolidateRatio', 'mmap', 'resident', 'efSearch'];
    assert.deepEqual(names.map((name) => db.option(name)), [3, 'ip', 24, 1, false, false, 99]);
    assert.throws(() => db.option('efsearch'), fails('VDB_ERR_UNKNOWN_OPTION'));
  });
  for (const [code, wrong] of [
    ['VDB_ERR_OUT_OF_RANGE', { dim: 0 }],
    ['VDB_ERR_INVALID_ARGUMENT', { dim: -1 }],
    ['VDB_ERR_INVALID_ARGUMENT', { dim: 2.5 }],
    ['VDB_ERR_INVALID_ARGUMENT', { dim: [1] }],
    ['VDB_ERR_INVALID_ARGUMENT', { dim: 3, metric: 'euclid' }],
    ['VDB_ERR_UNKNOWN_OPTION', { dim: 3, 'hnsw.mm': 3 }],
    ['VDB_ERR_UNKNOWN_OPTION', { dim: 3, efsearch: 3 }],
  ]) {
    assert.throws(() => Database.open(null, wrong), fails(code), JSON.stringify(wrong));
  }
  const table = optionTable();
  assert.ok(table.length > 15 && table.every((option) => option.key && option.name && option.help), JSON.stringify(table));
  const metric = table.find((option) => option.key === 'metric');
  assert.deepEqual([metric.name, metric.type, metric.schema, metric.values.cosine], ['schema.metric', 'enum', true, 3]);
});

test('after close every call is an error', async () => {
  const db = Database.open(null, { dim: 2 });
  const handle = db.handle;
  db.close();
  assert.throws(() => db.close(), fails('VDB_ERR_CLOSED'));
  db[Symbol.dispose]();
  await db[Symbol.asyncDispose]();
  const row = [1, 2];
  const calls = {
    insert: () => db.insert([1], row), upsert: () => db.upsert([1], row), delete: () => db.delete([1]), get: () => db.get([1]),
    count: () => db.count(), search: () => db.search(Float32Array.from(row), 1), searchBatch: () => db.searchBatch(row, 1),
    searchRange: () => db.searchRange(row, 1, 1), measureRecall: () => db.measureRecall(1, 1), sync: () => db.sync(),
    checkpoint: () => db.checkpoint(), waitIndexed: () => db.waitIndexed(), refresh: () => db.refresh(), check: () => db.check(),
    stats: () => db.stats(), option: () => db.option('dim'), attach: () => Database.attach(handle),
  };
  for (const [name, call] of Object.entries(calls)) assert.throws(call, fails('VDB_ERR_CLOSED'), name);
  const promises = [
    db.insertAsync([1], row), db.upsertAsync([1], row), db.deleteAsync([1]), db.getAsync([1]), db.searchAsync(row, 1),
    db.searchBatchAsync(row, 1), db.searchRangeAsync(row, 1, 1), db.measureRecallAsync(1, 1), db.syncAsync(), db.checkpointAsync(),
    db.waitIndexedAsync(), db.refreshAsync(), db.checkAsync(), db.closeAsync(),
  ];
  for (const { status, reason } of await Promise.allSettled(promises)) {
    assert.equal(status, 'rejected');
    fails('VDB_ERR_CLOSED')(reason);
  }
});

test('the library tells what it is', () => {
  assert.equal(buildInfo().version, version());
  assert.match(version(), /^\d+\.\d+\.\d+$/);
});
