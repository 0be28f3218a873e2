import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Database, Filter } from '../dist/index.js';
import { folder, noise, quick, sequence, sleep } from './helpers.mjs';

const collect = globalThis.gc ?? (() => assert.fail('run with --expose-gc'));

test('nothing moves or goes during a call', async () => {
  const db = Database.open(null, { dim: 32 });
  const pending = [];
  for (let round = 0; round < (quick ? 50 : 200); round++) {
    const from = round * 10;
    // Nobody but the call holds the arrays.
    pending.push(db.insertAsync(sequence(from, 10), noise(round, 10, 32)));
    if (round % 10 === 9) {
      collect();
      await Promise.all(pending.splice(0));
    }
    collect();
  }
  for (let round = 0; round < (quick ? 50 : 200); round++) {
    const from = round * 10;
    const search = db.searchBatchAsync(noise(round, 10, 32), 1, { filter: Filter.allow(sequence(from, 10)) });
    const get = db.getAsync(sequence(from, 10));
    collect();
    const [hits, rows] = [await search, await get];
    collect();
    assert.deepEqual([...hits.ids], [...sequence(from, 10)]);
    assert.deepEqual(rows.vectors, noise(round, 10, 32));
  }
  db.close();
});

test('results stay what they are when later ones come', () => {
  const db = Database.open(null, { dim: 2 });
  db.insert(sequence(0, 100), noise(1, 100, 2));
  const kept = [];
  for (let i = 0; i < 3000; i++) {
    const query = noise(i, 1, 2);
    kept.push([query, db.search(query, 1 + (i % 9))]);
    if (i % 500 === 0) collect();
  }
  for (const [query, hits] of kept) assert.deepEqual(db.search(query, hits.ids.length), hits);
  // Small results share their buffer: whoever tries to take it from under the others gets an error, or a copy.
  const [query, hits] = kept[0];
  try {
    structuredClone(hits.ids, { transfer: [hits.ids.buffer] });
  } catch (error) {
    assert.equal(error.name, 'DataCloneError');
  }
  assert.deepEqual(db.search(query, hits.ids.length), hits);
  db.close();
});

test('a forgotten database is closed', async (t) => {
  const path = join(folder(t), 'db');
  (() => Database.open(path, { dim: 2 }).insert([1], [1, 2]))();
  for (let round = 0; ; round++) {
    collect();
    await sleep(10);
    try {
      const db = Database.open(path);
      assert.equal(db.count(), 1);
      db.close();
      return;
    } catch (error) {
      assert.equal(error.code, 'VDB_ERR_LOCKED');
      assert.ok(round < 500, 'the database is still open');
    }
  }
});

test('any number may be forgotten at a time', async () => {
  // More than Koffi makes calls at one time.
  (() => { for (let i = 0; i < 400; i++) Database.open(null, { dim: 2, threads: 1 }); })();
  const db = Database.open(null, { dim: 2 });
  for (let round = 0; round < 20; round++) {
    collect();
    await sleep(10);
    await Promise.all(Array.from({ length: 100 }, () => db.countAsync()));
  }
  db.close();
});

test('opened and closed ten thousand times', async () => {
  const cycles = quick ? 1000 : 10000;
  const cycle = () => {
    const db = Database.open(null, { dim: 4 });
    db.upsert([1], [1, 2, 3, 4]);
    const filter = Filter.allow([1]);
    assert.equal(db.search(Float32Array.of(1, 2, 3, 4), 1, { filter }).ids[0], 1n);
    filter.close();
    db.close();
  };
  const settle = async () => {
    for (let i = 0; i < 5; i++) {
      collect();
      await sleep(5);
    }
  };
  for (let i = 0; i < cycles / 2; i++) cycle();
  await settle();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < cycles; i++) cycle();
  await settle();
  const grown = (process.memoryUsage.rss() - before) / 1024;
  assert.ok(grown < 16 * 1024, `${cycles} cycles took ${grown.toFixed(0)} KiB more`);
});

test('searches leave nothing behind', async () => {
  const db = Database.open(null, { dim: 4 });
  db.insert(sequence(0, 100), noise(1, 100, 4));
  const query = noise(2, 1, 4);
  const rounds = quick ? 20000 : 200000;
  const search = async () => {
    for (let i = 0; i < rounds; i++) {
      db.search(query, 10);
      if (i % 1000 === 0) await db.searchBatchAsync(query, 100, { signal: new AbortController().signal });
    }
    collect();
  };
  await search();
  const before = process.memoryUsage.rss();
  await search();
  const grown = (process.memoryUsage.rss() - before) / 1024;
  assert.ok(grown < 16 * 1024, `${rounds} searches took ${grown.toFixed(0)} KiB more`);
  db.close();
});
