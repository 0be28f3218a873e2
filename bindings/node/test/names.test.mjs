import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Database, Filter, repairAsync, searchMany, searchManyAsync } from '../dist/index.js';
import { folder } from './helpers.mjs';

const query = Float32Array.of(0.5, 0.5);
const ids = [1];
const search = ['ef', 'targetRecall', 'rerank', 'exact', 'deadlineMs', 'filter', 'snapshot', 'maxMemory', 'noCache', 'scalar'];
const call = ['signal', 'onProgress'];
const signal = ['signal'];
const diverse = [...search, 'candidates', 'lambda'];

/** Each method that takes an object of parameters: what comes before it, and the names that it has. */
const methods = (at) => ({
  insert: [[ids, query], ['scalar']],
  insertAsync: [[ids, query], ['scalar', ...call]],
  upsert: [[ids, query], ['scalar']],
  upsertAsync: [[ids, query], ['scalar', ...call]],
  insertRecords: [[{ vectors: query }], ['scalar']],
  insertRecordsAsync: [[{ vectors: query }], ['scalar', ...call]],
  upsertRecords: [[{ vectors: query }], ['scalar']],
  upsertRecordsAsync: [[{ vectors: query }], ['scalar', ...call]],
  updateMetaAsync: [[ids, [null]], signal],
  updateMetaWhereAsync: [[Filter.allow(ids), null], call],
  deleteWhereAsync: [[Filter.allow(ids)], call],
  deleteKeysAsync: [[['a']], signal],
  deleteAsync: [[[7]], signal],
  get: [[ids], ['snapshot']],
  getAsync: [[ids], ['snapshot', 'signal']],
  getInto: [[ids, new Float32Array(2)], ['scalar', 'snapshot']],
  idsOfKeys: [[['a']], ['snapshot']],
  idsOfKeysAsync: [[['a']], ['snapshot', 'signal']],
  keysOfIds: [[ids], ['snapshot']],
  keysOfIdsAsync: [[ids], ['snapshot', 'signal']],
  getMeta: [[ids], ['snapshot']],
  getMetaAsync: [[ids], ['snapshot', 'signal']],
  getMetaTexts: [[ids], ['snapshot']],
  getMetaTextsAsync: [[ids], ['snapshot', 'signal']],
  count: [[undefined], ['snapshot']],
  countAsync: [[undefined], ['snapshot', 'signal']],
  search: [[query, 1], search],
  searchAsync: [[query, 1], [...search, ...signal]],
  searchBatch: [[query, 1], search],
  searchBatchAsync: [[query, 1], [...search, ...signal]],
  searchRange: [[query, 1, 1], search],
  searchRangeAsync: [[query, 1, 1], [...search, ...signal]],
  searchIds: [[ids, 1], search],
  searchIdsAsync: [[ids, 1], [...search, ...signal]],
  recommend: [[{ positive: ids }, 1], search],
  recommendAsync: [[{ positive: ids }, 1], [...search, ...signal]],
  searchDiverse: [[query, 1], diverse],
  searchDiverseAsync: [[query, 1], [...diverse, ...signal]],
  searchGroups: [[query, 'a', 1, 1], search],
  searchGroupsAsync: [[query, 'a', 1, 1], [...search, ...signal]],
  cursor: [[query], [...search, 'signal']],
  scan: [[undefined], ['snapshot']],
  measureRecall: [[query, 1], search],
  measureRecallAsync: [[query, 1], [...search, ...call]],
  syncAsync: [[], signal],
  refreshAsync: [[], signal],
  checkpointAsync: [[], call],
  waitIndexedAsync: [[], call],
  checkAsync: [['checksums'], call],
  backup: [[join(at, 'x')], ['previous']],
  backupAsync: [[join(at, 'x')], ['previous', ...call]],
  export: [[join(at, 'x.npy')], ['format', 'filter']],
  exportAsync: [[join(at, 'x.npy')], ['format', 'filter', ...call]],
  import: [[join(at, 'x.npy')], ['format']],
  importAsync: [[join(at, 'x.npy')], ['format', ...call]],
  explain: [[query, 1], search],
  explainAsync: [[query, 1], [...search, 'signal']],
});

/** Those that take none. */
const WITHOUT = `constructor close closeAsync option updateMeta updateMetaWhere deleteWhere deleteKeys delete
  sync checkpoint waitIndexed refresh check snapshot stats columns latency readLog clearCache`.split(/\s+/);

/** The error of a call, however it is told. */
async function errorOf(run) {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function refuses(run, unknown, names) {
  const error = await errorOf(run);
  assert.ok(error instanceof TypeError, `${unknown}: ${String(error)}`);
  assert.equal(error.message, `unknown parameter ${unknown}: there are ${names.join(', ')}`);
}

test('every method refuses parameters whose names it does not know', async (t) => {
  const table = methods(folder(t));
  assert.deepEqual(Object.getOwnPropertyNames(Database.prototype).sort(), [...WITHOUT, ...Object.keys(table)].sort());
  const db = Database.open(null, { dim: 2 });
  db.insert([1, 2], [0, 0, 1, 1]);
  for (const [method, [before, names]] of Object.entries(table)) {
    await t.test(method, async () => {
      await refuses(() => db[method](...before, { kk: 3 }), 'kk', names);
      for (const other of [...diverse, ...call, 'previous', 'format'].filter((name) => !names.includes(name))) {
        await refuses(() => db[method](...before, { [names[0]]: undefined, [other]: 3 }), other, names);
      }
      const number = await errorOf(() => db[method](...before, 3));
      assert.ok(number instanceof TypeError && number.message.startsWith('parameters are 3: an object is needed'), String(number));
      // A promise is rejected: nothing is thrown at once.
      if (method.endsWith('Async')) db[method](...before, { kk: 3 }).catch(() => {});
      // Its own names are known, whatever they are set to, and what is undefined is not there.
      for (const name of names) {
        const value = name === 'onProgress' ? () => {} : Symbol('none');
        const error = await errorOf(() => db[method](...before, { [name]: value, kk: undefined }));
        assert.ok(!/^unknown parameter/.test(error?.message), String(error));
      }
    });
  }
  db.close();
});

test('so do functions, and objects that are not parameters', async (t) => {
  const db = Database.open(null, { dim: 2 });
  db.insert([1, 2], [0, 0, 1, 1]);
  await refuses(() => searchMany([db], query, 1, { kk: 3 }), 'kk', search);
  await refuses(() => searchManyAsync([db], query, 1, { kk: 3 }), 'kk', [...search, ...signal]);
  const at = folder(t);
  await refuses(() => repairAsync(at, join(at, 'to'), {}, { kk: 3 }), 'kk', call);
  // Metadata under a wrong name would be lost.
  for (const method of ['insertRecords', 'upsertRecords', 'insertRecordsAsync', 'upsertRecordsAsync']) {
    await refuses(() => db[method]({ vectors: query, metadata: [{}] }), 'metadata', ['ids', 'vectors', 'keys', 'meta']);
  }
  for (const method of ['recommend', 'recommendAsync']) {
    await refuses(() => db[method]({ positive: ids, negatives: [2] }, 1), 'negatives', ['positive', 'negative']);
  }
  // A filter is none.
  await refuses(() => db.search(query, 1, Filter.allow(ids)), 'handle', search);
  // Where the scalar is not that of the query, search goes another way.
  await refuses(() => db.search([0, 0], 1, { kk: 3 }), 'kk', search);
  assert.equal(db.count(), 2);
  db.close();
});
