import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { Cursor, Database, Filter, repair, searchMany, Snapshot } from '../dist/index.js';
import { fails, fill, folder, noise, sequence, sleep } from './helpers.mjs';

const refused = (run, message, item = null, code = 'VDB_ERR_INVALID_ARGUMENT') =>
  assert.throws(run, fails(code, (error) => {
    assert.match(error.message, message);
    assert.equal(error.item, item);
  }));

function using(db, run) {
  try {
    return run(db);
  } finally {
    db[Symbol.dispose]();
  }
}

test('what is not made with new says what makes it', async () => {
  for (const [make, by] of [
    [() => new Database('x', { dim: 4 }), /Database\.open/], [() => new Database({ path: 'x', dim: 4 }), /Database\.open/],
    [() => new Filter('a = 1'), /Filter\.parse/], [() => new Cursor(), /db\.cursor/], [() => new Snapshot({}), /db\.snapshot/],
    [() => Database.attach('7'), /handle/],
  ]) {
    assert.throws(make, (error) => error instanceof TypeError && by.test(error.message));
  }
  // What was not made is not given back.
  for (let round = 0; round < 5; round++) {
    globalThis.gc();
    await sleep(5);
  }
});

test('a path is a text or a URL of a file', (t) => {
  const root = folder(t);
  const bytes = Buffer.from(join(root, 'bytes'));
  for (const path of [bytes, bytes.subarray(0, 5), 7, undefined, {}, ['x']]) refused(() => Database.open(path, { dim: 2 }), /^path is .*: a text or a file: URL/);
  refused(() => Database.open(join(root, 'a\ud800'), { dim: 2 }), /Unicode/);
  refused(() => repair(join(root, 'x'), bytes), /^to is a Buffer/);
  assert.deepEqual(readdirSync(root), []);
  using(Database.open(pathToFileURL(join(root, 'a b')), { dim: 2 }), (db) => {
    db.insert([1], [1, 2]);
    db.backup(pathToFileURL(join(root, 'backup')));
    refused(() => db.export(bytes), /^path is a Buffer/);
    refused(() => db.export(join(root, 'x'), { format: 3 }), /^format is the number 3/);
  });
  assert.ok(existsSync(join(root, 'a b')) && existsSync(join(root, 'backup')));
});

test('texts back to back are arrays of the right kinds', () => {
  using(Database.open(null, { dim: 2 }), (db) => {
    const bytes = Buffer.from('abc');
    for (const texts of [
      { bytes, offsets: Uint32Array.of(0, 1, 3, 0) }, { bytes, offsets: [0n, 1n] }, { bytes: 'abc', offsets: BigUint64Array.of(0n, 3n) },
      { bytes: new Uint16Array(3), offsets: BigUint64Array.of(0n, 3n) }, { bytes, offsets: new BigUint64Array(0) }, { bytes, offsets: null },
    ]) {
      refused(() => db.idsOfKeys(texts), /a Uint8Array and a BigUint64Array/);
    }
    refused(() => db.deleteKeys(undefined), /keys are needed/, null, 'VDB_ERR_NULL_ARGUMENT');
  });
});

test('memory that was given away is not an empty batch', () => {
  const gone = (array) => {
    structuredClone(array, { transfer: [array.buffer] });
    return array;
  };
  using(Database.open(null, { dim: 2 }), (db) => {
    db.insert([1, 2], [1, 2, 3, 4]);
    const [ids, rows] = [gone(BigUint64Array.of(1n)), gone(new Float32Array(2))];
    for (const call of [
      () => db.insert(ids, rows), () => db.delete(ids), () => db.insertRecords({ vectors: rows }), () => db.searchBatch(rows, 1),
      () => db.searchIds(ids, 1), () => db.get(ids), () => Filter.allow(ids),
      () => db.idsOfKeys({ bytes: gone(new Uint8Array(1)), offsets: BigUint64Array.of(0n, 0n) }),
    ]) {
      refused(call, /was transferred/);
    }
    assert.throws(() => db.search(rows, 1), fails('VDB_ERR_DIMENSION'));
    assert.equal(db.count(), 2);
    db.insert(new BigUint64Array(0), new Float32Array(0));
  });
});

test('texts that are no Unicode are refused', () => {
  using(Database.open(null, { dim: 2 }), (db) => {
    db.upsertRecords({ vectors: [1, 2], keys: ['a\ufffd'] });
    refused(() => db.upsertRecords({ vectors: noise(1, 2, 2), keys: ['x', 'a\ud800'] }), /half of a surrogate/, 1);
    // Together they would be a pair.
    refused(() => db.idsOfKeys(['a\ud83d', '\ude00b']), /half of a surrogate/, 0);
    refused(() => Filter.parse("a = '\udc01'"), /half of a surrogate/);
    refused(() => db.updateMeta([0], ['{"a": "\ud800"}']), /half of a surrogate/, 0);
    assert.equal(db.count(), 1);
    const [id] = db.upsertRecords({ vectors: [1, 2], keys: ['😀'] });
    assert.deepEqual(db.keysOfIds([id]), ['😀']);
  });
});

test('arrays that cannot hold components are refused, whatever is said of them', () => {
  class Embedding extends Float32Array {}
  using(Database.open(null, { dim: 2 }), (db) => {
    db.upsert([1], Embedding.of(1, 2));
    assert.deepEqual([...db.searchBatch(Embedding.of(1, 2), 1).ids], [1n]);
    db.upsert(runInNewContext('BigUint64Array.of(2n)'), runInNewContext('Float32Array.of(3, 4)'));
    db.upsert([3], runInNewContext('[5, 6]'));
    assert.deepEqual([...db.get([1, 2, 3]).vectors], [1, 2, 3, 4, 5, 6]);
    for (const array of [new Float64Array(1), new BigInt64Array(1), new DataView(new ArrayBuffer(8)), new Int32Array(2)]) {
      for (const scalar of [undefined, 'f32', 'i8']) refused(() => db.search(array, 1, { scalar }), /cannot be in an? /, null, 'VDB_ERR_UNSUPPORTED');
    }
    refused(() => db.search(new Int8Array(8), 1, { scalar: 'f32' }), /f32 cannot be in an Int8Array/, null, 'VDB_ERR_UNSUPPORTED');
    refused(() => db.search([[1, 2]], 1), /^component 0 is an Array/);
    refused(() => db.insert([4, 5], [1, 2, '3', 4]), /^component 2 is the string 3/);
    for (const none of [null, undefined, 'x', { 0: 1 }]) refused(() => db.search(none, 1), /^vectors are .*a typed array, or an array of numbers/);
    refused(() => db.getInto([1], [0, 0]), /^into is an Array/);
  });
});

test('an error says which row, and what is there instead', () => {
  using(Database.open(null, { dim: 2 }), (db) => {
    fill(db, 5);
    refused(() => db.delete([1, -1]), /-1 is no id/, 1);
    refused(() => db.delete(null), /ids are null/);
    refused(() => db.insertRecords({ vectors: noise(1, 2, 2), keys: ['a', 5] }), /keys of row 1 is the number 5/, 1);
    refused(() => db.insertRecords({ vectors: noise(1, 1, 2), keys: [{}] }), /keys of row 0 is an Object/, 0);
    refused(() => db.insertRecords({ vectors: noise(1, 2, 2), meta: [{}, () => 1] }), /metadata of row 1 is a function/, 1);
    refused(() => db.updateMeta([0, 1], [{}, { n: 2n ** 60n }]), /metadata of row 1 is no JSON: .*BigInt.*its text/, 1);
    refused(() => db.search(noise(1, 1, 2), '3'), /^k is the string 3:/, null, 'VDB_ERR_OUT_OF_RANGE');
    refused(() => db.search(noise(1, 1, 2), Symbol('3')), /^k is the symbol/, null, 'VDB_ERR_OUT_OF_RANGE');
    refused(() => db.search(noise(1, 1, 2), 1, { ef: '3' }), /^ef is the string 3:/, null, 'VDB_ERR_OUT_OF_RANGE');
    refused(() => db.search(noise(1, 1, 2), 1, { targetRecall: '0.9' }), /^targetRecall is the string 0.9: a number/, null, 'VDB_ERR_OUT_OF_RANGE');
    refused(() => db.searchRange(noise(1, 1, 2), '1', 1), /^maxDistance is the string 1: a number/, null, 'VDB_ERR_OUT_OF_RANGE');
    refused(() => db.searchDiverse(noise(1, 1, 2), 1, {}), /^lambda is undefined: a number/, null, 'VDB_ERR_OUT_OF_RANGE');
    refused(() => searchMany(db, [1, 2], 1), /^dbs is a Database/);
    const filter = Filter.parse('n = $1');
    for (const value of [null, undefined, NaN, {}, () => 1]) refused(() => filter.bind(value), /^\$1 is .*: a text, a number/);
    db.updateMeta([0, 1], [`{"n": ${2n ** 60n + 1n}}`, `{"n": ${2n ** 60n}}`]);
    assert.deepEqual([...db.scan(filter.bind(2n ** 60n + 1n)).next().ids], [0n]);
  });
});

test('parameters are an object where they are needed', async () => {
  const db = Database.open(null, { dim: 2 });
  fill(db, 5);
  for (const call of [
    () => db.insertRecords(), () => db.recommend(undefined, 1), () => db.searchDiverse([1, 2], 1), () => db.get([1], null),
    () => db.search([1, 2], 1, null), () => db.search(Float32Array.of(1, 2), 1, null), () => Database.open(null, 5), () => Database.open(null, null),
    () => db.cursor([1, 2], { signal: 5 }),
  ]) {
    assert.throws(call, /^TypeError: .* is needed|^TypeError: parameters are needed/, String(call));
  }
  for (const call of [() => db.insertAsync([9], [1, 2], null), () => db.searchDiverseAsync([1, 2], 1), () => db.countAsync(undefined, null)]) {
    await assert.rejects(call, /^TypeError: .* is needed|^TypeError: parameters are needed/, String(call));
  }
  for (const k of [-1, 1.5, NaN]) {
    for (const call of [() => db.measureRecall(2, k), () => db.explain([1, 2], k)]) refused(call, /^k is/, null, 'VDB_ERR_OUT_OF_RANGE');
  }
  refused(() => db.check('all'), /^level is the string all: one of/, null, 'VDB_ERR_UNSUPPORTED');
  db.close();
});

test('no time left is a limit', () => {
  using(Database.open(null, { dim: 64, graphMinRows: 2 ** 31 }), (db) => {
    fill(db, 20000);
    assert.equal(db.searchBatch(noise(3, 200, 64), 10, { deadlineMs: 0 }).partial, true);
  });
});

test('a loop closes its cursor, and a signal all pages', async () => {
  const db = Database.open(null, { dim: 4 });
  fill(db, 2000);
  for (const loop of [
    (cursor) => { for (const _ of cursor) break; },
    async (cursor) => { for await (const _ of cursor) break; },
    async (cursor) => { for await (const _ of cursor); },
  ]) {
    const cursor = db.scan();
    await loop(cursor);
    assert.throws(() => cursor.next(), fails('VDB_ERR_CLOSED'));
  }
  const stop = new AbortController();
  const cursor = db.cursor(noise(1, 1, 4), { signal: stop.signal });
  assert.equal(cursor.next(5).ids.length, 5);
  stop.abort();
  assert.throws(() => cursor.next(5), fails('VDB_ERR_CANCELLED'));
  await assert.rejects(cursor.nextAsync(5), fails('VDB_ERR_CANCELLED'));
  cursor.close();
  db.close();
});

test('more results than a buffer holds are refused before there is one', async () => {
  const db = Database.open(null, { dim: 2 });
  const queries = new Float32Array(2 * 2000);
  const refused = { code: 'VDB_ERR_LIMIT', message: /2000 queries with k = 1000000 are too many/ };
  assert.throws(() => db.searchBatch(queries, 1_000_000), refused);
  await assert.rejects(db.searchBatchAsync(queries, 1_000_000), refused);
  db.close();
});
