import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database, Filter, ID_NONE } from '../dist/index.js';
import { fails, noise } from './helpers.mjs';

const open = (rows) => {
  const db = Database.open(null, { dim: 2 });
  if (rows) db.insertRecords(rows);
  return db;
};
const albums = () => ({
  vectors: Float32Array.of(1, 0, 0, 1, 1, 1),
  keys: ['kind of blue', 'what\'s going on', 'café'],
  meta: [{ year: 1959, genre: 'jazz' }, { year: 1971, genre: 'soul' }, { year: 1971, genre: 'jazz', text: '<&> "ü"' }],
});

test('rows have keys and metadata', () => {
  const db = open();
  const ids = db.insertRecords(albums());
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(db.idsOfKeys(['café', 'none', 'kind of blue']), BigUint64Array.of(ids[2], ID_NONE, ids[0]));
  assert.deepEqual(db.keysOfIds([...ids, 999n]), [...albums().keys, null]);
  assert.deepEqual(db.getMeta([...ids, 999n]), [...albums().meta, null]);
  assert.deepEqual([...db.get(ids).vectors], [...albums().vectors]);

  // An upsert by key finds the row, and leaves what it does not bring.
  const again = db.upsertRecords({ keys: ['café', 'new'], vectors: [9, 9, 8, 8], meta: undefined });
  assert.equal(again[0], ids[2]);
  assert.deepEqual([...db.get(again).vectors], [9, 9, 8, 8]);
  assert.deepEqual(db.getMeta(again), [albums().meta[2], null]);
  db.upsertRecords({ ids: [again[1]], vectors: [7, 7], meta: ['{"a":  1}'] });
  assert.deepEqual(db.keysOfIds([again[1]]), ['new']);
  const texts = db.getMetaTexts([again[1], again[0]]);
  assert.equal(Buffer.from(texts.bytes).toString('utf8', 0, Number(texts.offsets[1])), '{"a":  1}');
  // What one call gave goes into another as it is.
  assert.equal(db.updateMeta([again[0], again[1]], texts), 2);
  assert.deepEqual(db.getMeta([again[0]]), [{ a: 1 }]);
  assert.equal(db.updateMeta([...ids, 999n], [null, { b: 2 }, {}, { c: 3 }]), 3);
  assert.deepEqual(db.getMeta(ids), [null, { b: 2 }, {}]);
  assert.equal(db.deleteKeys(['new', 'none']), 1);
  assert.equal(db.deleteKeys([]), 0);
  assert.equal(db.count(), 3);
  db.close();
});

test('ids that are given stay, and those of the caller are not written to', () => {
  const db = open();
  const given = BigUint64Array.of(7n, ID_NONE);
  const ids = db.insertRecords({ ids: given, vectors: noise(1, 2, 2) });
  assert.equal(ids[0], 7n);
  assert.ok(ids[1] > 7n && ids[1] !== ID_NONE);
  assert.deepEqual(given, BigUint64Array.of(7n, ID_NONE));
  db.close();
});

test('filters look into metadata', async () => {
  const db = open(albums());
  const jazz = Filter.parse("genre = 'jazz'");
  assert.equal(db.count(jazz), 2);
  const hits = db.search(Float32Array.of(0, 1), 3, { filter: jazz });
  assert.deepEqual(db.keysOfIds(hits.ids).sort(), ['café', 'kind of blue']);
  const template = Filter.parse('year = $1 and genre in $2');
  const bound = template.bind(1971, ['soul', 'jazz']);
  assert.equal(db.count(bound), 2);
  template.close();
  assert.equal(db.count(bound), 2);
  assert.throws(() => template.bind(1971), fails('VDB_ERR_CLOSED'));
  assert.throws(() => Filter.parse('year >').close(), fails('VDB_ERR_FILTER_SYNTAX', ({ item }) => assert.equal(item, 6)));
  assert.throws(() => Filter.parse(''), fails('VDB_ERR_FILTER_SYNTAX'));

  assert.equal(db.updateMetaWhere(bound, { year: 2000 }), 2);
  assert.equal(await db.updateMetaWhereAsync(Filter.parse('year = 2000'), { year: 2001 }), 2);
  assert.equal(db.deleteWhere(Filter.parse('year = 2001')), 2);
  assert.equal(await db.deleteWhereAsync(Filter.parse('year = 1959'), { signal: new AbortController().signal }), 1);
  assert.equal(db.count(), 0);
  db.close();
});

test('records that cannot be are refused as a whole', async () => {
  const db = open(albums());
  assert.throws(() => db.insertRecords({ keys: ['x', 'café'], vectors: noise(1, 2, 2) }), fails('VDB_ERR_ALREADY_EXISTS', ({ item }) => assert.equal(item, 1)));
  assert.throws(() => db.insertRecords({ keys: ['x'.repeat(513)], vectors: noise(1, 1, 2) }), fails('VDB_ERR_LIMIT'));
  for (const meta of [['[1]'], ['{'], [5]]) {
    assert.throws(() => db.insertRecords({ meta, vectors: noise(1, 1, 2) }), fails('VDB_ERR_INVALID_ARGUMENT'), String(meta));
  }
  assert.throws(() => db.insertRecords({ ids: [1, 2], keys: ['x'], vectors: noise(1, 2, 2) }), fails('VDB_ERR_INVALID_ARGUMENT'));
  assert.throws(() => db.insertRecords({ keys: ['x'], meta: [{}, {}], vectors: noise(1, 1, 2) }), fails('VDB_ERR_INVALID_ARGUMENT'));
  const texts = { bytes: new Uint8Array(3), offsets: BigUint64Array.of(0n, 9n) };
  assert.throws(() => db.insertRecords({ keys: texts, vectors: noise(1, 1, 2) }), fails('VDB_ERR_INVALID_ARGUMENT'));
  texts.offsets = BigUint64Array.of(2n, 1n, 3n);
  assert.throws(() => db.idsOfKeys(texts), fails('VDB_ERR_INVALID_ARGUMENT'));
  await assert.rejects(db.insertRecordsAsync({ keys: ['y', 'y'], vectors: noise(1, 2, 2) }), fails('VDB_ERR_ALREADY_EXISTS'));
  assert.equal((await db.upsertRecordsAsync({ keys: ['y'], vectors: noise(1, 1, 2) })).length, 1);
  assert.equal(await db.updateMetaAsync([0], [{ a: 1 }]), db.get([0]).found[0]);
  assert.equal(db.count(), 4);
  db.close();
});

test('long metadata is read whatever it takes', () => {
  const db = open();
  const meta = Array.from({ length: 50 }, (_, i) => ({ text: 'x'.repeat(i * 100) }));
  const ids = db.insertRecords({ vectors: noise(1, 50, 2), meta });
  assert.deepEqual(db.getMeta(ids), meta);
  db.close();
});

test('what is no filter, snapshot or list of texts is refused', () => {
  const db = open(albums());
  for (const wrong of ['year > 3', '', 0, { year: 3 }, []]) {
    for (const call of [
      () => db.count(wrong), () => db.search([1, 0], 1, { filter: wrong }), () => db.scan(wrong), () => db.deleteWhere(wrong),
      () => db.updateMetaWhere(wrong, {}), () => db.export('/nowhere/rows.npy', { filter: wrong }),
      () => db.explain([1, 0], 1, { filter: wrong }), () => db.cursor([1, 0], { filter: wrong }),
    ]) {
      assert.throws(call, fails('VDB_ERR_INVALID_ARGUMENT', ({ message }) => assert.match(message, /^filter is .*Filter\.parse/)));
    }
    assert.throws(() => db.get([1], { snapshot: wrong }), fails('VDB_ERR_INVALID_ARGUMENT'));
    assert.throws(() => db.search([1, 0], 1, { snapshot: wrong }), fails('VDB_ERR_INVALID_ARGUMENT'));
  }
  assert.throws(() => db.deleteWhere(undefined), fails('VDB_ERR_NULL_ARGUMENT'));
  assert.equal(db.count(null), 3);
  assert.throws(() => db.insertRecords({ vectors: [1, 0], keys: 'solo' }), fails('VDB_ERR_INVALID_ARGUMENT'));
  assert.throws(() => db.insertRecords({ vectors: [1, 0], meta: { year: 1 } }), fails('VDB_ERR_INVALID_ARGUMENT'));
  assert.throws(() => db.insert([1, 2], [1, 0]), fails('VDB_ERR_DIMENSION', ({ message }) => assert.match(message, /not 2 vectors/)));
  db.close();
});
