import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Database, repairAsync } from '../dist/index.js';
import { fails, fill, folder, noise, sequence } from './helpers.mjs';

test('calls on worker threads do the same', async (t) => {
  const path = join(folder(t), 'db');
  const db = await Database.openAsync(path, { dim: 4 });
  const rows = noise(1, 100, 4);
  await db.insertAsync(sequence(0, 100), rows);
  await db.upsertAsync([100], noise(2, 1, 4));
  assert.equal(await db.deleteAsync([100, 101]), 1);
  assert.deepEqual(await db.searchAsync(rows.subarray(4, 8), 3), db.search(rows.subarray(4, 8), 3));
  const batch = await db.searchBatchAsync(rows, 1);
  assert.deepEqual([...batch.ids], [...sequence(0, 100)]);
  assert.deepEqual((await db.searchRangeAsync(rows.subarray(0, 4), 0.01, 5)).ids[0], 0n);
  assert.deepEqual((await db.getAsync([7])).vectors, rows.subarray(28, 32));
  assert.ok((await db.measureRecallAsync(10, 3)).recall > 0.9);
  await db.syncAsync();
  await db.checkpointAsync();
  await db.waitIndexedAsync();
  await db.refreshAsync();
  assert.equal((await db.checkAsync('recall')).rows, 100);
  await db[Symbol.asyncDispose]();
  await assert.rejects(db.searchAsync(rows.subarray(4, 8), 3), fails('VDB_ERR_CLOSED'));
  await assert.rejects(Database.openAsync(null, { dim: 4, metric: 'x' }), fails('VDB_ERR_INVALID_ARGUMENT'));
});

test('a signal stops a long call, with its reason', async () => {
  const db = Database.open(null, { dim: 128, threads: 1 });
  fill(db, 20000);
  const stop = new AbortController();
  const reason = new Error('enough');
  setTimeout(() => stop.abort(reason), 20);
  const start = Date.now();
  await assert.rejects(
    db.waitIndexedAsync({ signal: stop.signal }),
    fails('VDB_ERR_CANCELLED', (error) => assert.equal(error.cause, reason)),
  );
  assert.ok(Date.now() - start < 5000);
  await assert.rejects(db.insertAsync([90000], noise(1, 1, 128), { signal: stop.signal }), fails('VDB_ERR_CANCELLED'));
  assert.equal(db.count(), 20000);
  await db.closeAsync();
});

test('a signal stops a search', async () => {
  const db = Database.open(null, { dim: 64, graphMinRows: 2 ** 31, threads: 1 });
  fill(db, 20000);
  await assert.rejects(
    db.searchBatchAsync(noise(3, 4000, 64), 10, { signal: AbortSignal.timeout(30) }),
    fails('VDB_ERR_CANCELLED', (error) => assert.equal(error.cause.name, 'TimeoutError')),
  );
  db.close();
});

test('progress is told and ends with the call', async () => {
  const db = Database.open(null, { dim: 16 });
  const told = [];
  const onProgress = (done, total) => told.push([done, total]);
  await db.insertAsync(sequence(0, 3000), noise(1, 3000, 16), { onProgress });
  assert.deepEqual(told.at(-1), [3000, 3000]);
  told.length = 0;
  await db.measureRecallAsync(2000, 10, { onProgress });
  assert.ok(told.length > 0 && told.every(([done, total], i) => done <= total && (i === 0 || done >= told[i - 1][0])), String(told));
  const wrong = new Error('from the function');
  await assert.rejects(
    db.insertAsync([9000], noise(1, 1, 16), { onProgress: () => { throw wrong; } }),
    (error) => error === wrong,
  );
  db.close();
});

test('more calls than there are places for wait their turn', async () => {
  const db = Database.open(null, { dim: 4 });
  const rows = fill(db, 500);
  const found = await Promise.all(
    Array.from({ length: 500 }, (_, i) => db.searchAsync(rows.subarray(i * 4, i * 4 + 4), 1)),
  );
  found.forEach(({ ids, distances }, i) => assert.deepEqual([ids[0], distances[0]], [BigInt(i), 0]));
  const stop = new AbortController();
  const mixed = Array.from({ length: 200 }, (_, i) =>
    db.upsertAsync([10000 + i], noise(i, 1, 4), i % 2 ? { signal: stop.signal } : {}));
  stop.abort();
  const results = await Promise.allSettled(mixed);
  assert.ok(results.every(({ status }, i) => i % 2 || status === 'fulfilled'));
  assert.ok(results.filter(({ status }) => status === 'rejected').length > 50);
  await db.closeAsync();
});

test('memory that could shrink during a call is refused', async () => {
  const db = Database.open(null, { dim: 4 });
  const rows = new Float32Array(new ArrayBuffer(16, { maxByteLength: 64 }));
  await assert.rejects(db.insertAsync([1], rows), fails('VDB_ERR_INVALID_ARGUMENT'));
  db.insert([1], rows);
  db.close();
});

test('a close waits for searches, and later ones are errors', async () => {
  const db = Database.open(null, { dim: 16 });
  const rows = fill(db, 5000);
  const searches = Array.from({ length: 100 }, () => db.searchBatchAsync(rows.subarray(0, 160), 5));
  const closing = db.closeAsync();
  const results = await Promise.allSettled(searches);
  await closing;
  for (const result of results) {
    if (result.status === 'rejected') assert.equal(result.reason.code, 'VDB_ERR_CLOSED');
    else assert.equal(result.value.ids[0], 0n);
  }
});

test('check and repair tell what is damaged', async (t) => {
  const root = folder(t);
  const path = join(root, 'db');
  let db = Database.open(path, { dim: 16 });
  fill(db, 3000);
  db.waitIndexed();
  db.checkpoint();
  const sound = db.check('recall');
  assert.deepEqual([sound.sound, sound.completed, sound.rows], [true, 'recall', 3000]);
  assert.ok(sound.recallAt10 > 0.9);
  db.close();

  const files = readdirSync(path).map((name) => join(path, name));
  const largest = files.sort((a, b) => statSync(b).size - statSync(a).size)[0];
  const bytes = readFileSync(largest);
  bytes[bytes.length >> 1] ^= 0x55;
  writeFileSync(largest, bytes);

  db = Database.open(path);
  await assert.rejects(db.checkAsync('checksums'), fails('VDB_ERR_CORRUPT', ({ report }) => {
    assert.equal(report.sound, false);
    assert.ok(largest.endsWith(report.problems[0].file), JSON.stringify(report));
  }));
  try {
    db.close();
  } catch (error) {
    fails(error.code)(error);
  }
  const report = await repairAsync(path, join(root, 'repaired'));
  assert.ok(report.filesDamaged > 0 && report.rows + report.rowsLost >= 3000, JSON.stringify(report));
  assert.ok(report.lostIds.every((id) => typeof id === 'bigint'));
  db = Database.open(join(root, 'repaired'));
  assert.equal(db.count(), report.rows);
  db.close();
});
