import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Database } from '../dist/index.js';
import { fails, fill, folder, noise, quick } from './helpers.mjs';

const DIM = 16;

/** What a worker does: searches, writes rows of its own, and says what it saw. */
function work({ handle, path, worker, rounds }) {
  const db = handle ? Database.attach(handle) : Database.open(path, { readOnly: true });
  const rows = noise(1, 1000, DIM);
  for (let round = 0; round < rounds; round++) {
    const id = (round * 37 + worker * 101) % 1000;
    const { ids, distances } = db.search(rows.subarray(id * DIM, (id + 1) * DIM), 1);
    assert.deepEqual([ids[0], distances[0]], [BigInt(id), 0]);
    if (handle) db.upsert([10000 + worker], noise(worker * rounds + round, 1, DIM));
  }
  if (handle) {
    assert.deepEqual(db.get([10000 + worker]).vectors, noise(worker * rounds + rounds - 1, 1, DIM));
  } else {
    db.close();
  }
  return rounds;
}

/** Opens a database, and ends without closing it. */
function forget({ path, row, exit, closing }) {
  const db = Database.open(path, { dim: DIM });
  db.upsert([row], noise(1, 1, DIM));
  if (closing) {
    // It waits for the call.
    void db.countAsync();
    void db.closeAsync();
  }
  if (exit) process.exit();
}

if (!isMainThread && workerData?.forget) {
  forget(workerData.forget);
} else if (!isMainThread && workerData?.vdb) {
  parentPort.postMessage(work(workerData));
} else {
  const run = (data) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { ...data, vdb: true } });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  const rounds = quick ? 50 : 300;

  test('threads share one database by its handle', async () => {
    const db = Database.open(null, { dim: DIM });
    fill(db, 1000);
    const done = await Promise.all([0, 1, 2, 3].map((worker) => run({ handle: db.handle, worker, rounds })));
    assert.deepEqual(done, Array(4).fill(rounds));
    assert.equal(db.count(), 1004);
    const { handle } = db;
    db.close();
    await assert.rejects(run({ handle, worker: 0, rounds }), fails('VDB_ERR_CLOSED'));
  });

  test('threads read a database that another writes', async (t) => {
    const path = join(folder(t), 'db');
    const db = Database.open(path, { dim: DIM });
    fill(db, 1000);
    const done = Promise.all([0, 1].map((worker) => run({ path, worker, rounds })));
    for (let i = 0; i < rounds; i++) await db.upsertAsync([20000 + i], noise(i, 1, DIM));
    assert.deepEqual(await done, [rounds, rounds]);
    assert.equal(db.count(), 1000 + rounds);
    db.close();
  });

  test('what a worker has left open is closed when it ends', async (t) => {
    const path = join(folder(t), 'db');
    const ways = [{}, { exit: true }, { closing: true }, { exit: true, closing: true }];
    for (const [row, way] of ways.entries()) {
      const worker = new Worker(new URL(import.meta.url), { workerData: { forget: { path, row, ...way } } });
      await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    }
    const db = Database.open(path);
    assert.equal(db.count(), 4);
    db.close();
  });
}
