import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Database, Filter } from '../dist/index.js';
import { parseReport } from '../dist/reports.js';
import { fails, fill, folder, sequence } from './helpers.mjs';

const few = (options = {}) => {
  const db = Database.open(null, { dim: 1, ...options });
  db.insert(sequence(0, 3), [1, 2, 3]);
  return db;
};

test('a search is explained', () => {
  const db = few();
  const explanation = db.explain([1], 2, { exact: true });
  assert.deepEqual([explanation.plan, explanation.found, explanation.rows.live], ['scan', 2, 3]);
  assert.ok(Array.isArray(explanation.advice));
  assert.throws(() => db.explain([1, 2], 2), fails('VDB_ERR_DIMENSION'));
  assert.throws(() => db.explain([1], -2), fails('VDB_ERR_OUT_OF_RANGE'));
  db.close();
});

test('columns are declared and told of', () => {
  const db = Database.open(null, { dim: 1, columns: 'year i64, wide i64, share f64' });
  assert.equal(db.option('columns'), 'share f64, wide i64, year i64');
  const wrong = { vectors: [1], meta: [{ year: '1999' }] };
  assert.throws(() => db.insertRecords(wrong), fails('VDB_ERR_INVALID_ARGUMENT', ({ item, message }) => {
    assert.equal(item, 0);
    assert.match(message, /declared i64/);
  }));
  db.insertRecords({ vectors: [1, 2, 3], meta: [{ year: 1999, share: 1 / 3 }, '{"wide": -9007199254740993}', {}] });
  assert.equal(db.count(Filter.parse('share > 0 and wide is null')), 1);
  const told = db.columns();
  assert.deepEqual([told.rows, told.columns.map(({ name }) => name)], [3, ['share', 'wide', 'year']]);
  assert.deepEqual([told.columns[2].type, told.columns[2].declared], ['i64', true]);
  assert.throws(() => Database.open(null, { dim: 1, columns: 'year int' }), fails('VDB_ERR_INVALID_ARGUMENT', ({ item }) => assert.equal(item, 5)));
  db.close();
});

test('numbers of a report keep their digits', () => {
  const text = '{"a": 0.3333333333333333, "b": -9007199254740993, "c": "9007199254740993", "some_e": [1.2345678901234567e-5, 12]}';
  const told = { a: 1 / 3, b: '-9007199254740993', c: '9007199254740993', someE: [1.2345678901234567e-5, 12] };
  assert.deepEqual(parseReport(text), told);
});

test('times of calls are kept', () => {
  const db = few();
  for (let i = 0; i < 5; i++) db.search(Float32Array.of(1), 1);
  const latency = db.latency('search');
  assert.equal(latency.count, 5);
  assert.ok(latency.p50Ns > 0 && latency.maxNs >= latency.p50Ns, JSON.stringify(latency));
  assert.equal(db.latency('refresh').count, 0);
  assert.equal(db.latency('searchBatch').call, 'searchBatch');
  assert.equal(db.stats().originals, 'keep');
  assert.throws(() => db.latency('sleep'), fails('VDB_ERR_UNSUPPORTED'));
  db.close();
});

test('the log is read line by line', (t) => {
  const db = Database.open(join(folder(t), 'db'), { dim: 1 });
  db.insert([1], [1]);
  db.checkpoint();
  const lines = db.readLog();
  assert.ok(lines.some((line) => line.includes(' info checkpoint ')), lines.join('|'));
  assert.ok(lines.length >= 2 && lines.every((line) => line !== '' && !line.includes('\n')));
  assert.deepEqual(db.readLog(), []);
  db.close();
});

test('answers are kept and forgotten', () => {
  const db = few({ cacheBytes: 1 << 20 });
  const hits = (params) => {
    db.search(Float32Array.of(1), 1, params);
    return db.stats().cacheHits;
  };
  assert.deepEqual([hits(), hits(), hits({ noCache: true })], [0, 1, 1]);
  db.clearCache();
  assert.equal(hits(), 1);
  db.close();
});

test('a search keeps to its memory', () => {
  const db = Database.open(null, { dim: 8 });
  fill(db, 1000);
  const query = new Float32Array(8);
  assert.throws(() => db.search(query, 500, { maxMemory: 1 }), fails('VDB_ERR_LIMIT'));
  assert.equal(db.search(query, 5, { maxMemory: 1 << 20 }).ids.length, 5);
  assert.throws(() => db.search(query, 5, { maxMemory: -1 }), fails('VDB_ERR_OUT_OF_RANGE'));
  db.close();
});
