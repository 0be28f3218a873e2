import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Database, Filter } from '../dist/index.js';
import { fails, fill, noise, sequence, sleep } from './helpers.mjs';

/** A database whose searches scan, and what a thread is long busy with. */
function slow() {
  const db = Database.open(null, { dim: 64, graphMinRows: 2 ** 31, threads: 1 });
  fill(db, 20000);
  return db;
}

/** A database with rows that wait for the graph. */
function behind(rows = 20000) {
  const db = Database.open(null, { dim: 128, threads: 1 });
  fill(db, rows);
  return db;
}

/** Runs a program of its own; what it prints. */
const program = (code) =>
  execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', `
    import { Database, Filter } from '${new URL('../dist/index.js', import.meta.url)}';
    import { fill, noise, sequence, sleep } from '${new URL('./helpers.mjs', import.meta.url)}';
    ${code}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

test('progress is gone through, and ends with the call', async () => {
  const db = behind(5000);
  const job = db.waitIndexedAsync();
  const told = [];
  for await (const { done, total } of job.progress) told.push([done, total]);
  await job;
  assert.deepEqual(told.at(-1), [5000, 5000]);
  assert.ok(told.every(([done], i) => i === 0 || done > told[i - 1][0]), String(told));
  assert.ok(!process.getActiveResourcesInfo().includes('Timeout'));
  for await (const _ of job.progress) assert.fail('it is over');

  const insert = db.insertAsync([9000], noise(1, 1, 128));
  assert.ok(insert instanceof Promise && insert.then() instanceof Promise);
  assert.equal(insert.then().constructor, Promise);
  const last = [];
  const [one, two] = [insert.progress, insert.progress].map(async (progress) => {
    for await (const { done, total } of progress) last.push(done / total);
  });
  await Promise.all([one, insert, two]);
  assert.deepEqual(last.slice(-2), [1, 1]);
  db.close();
});

test('who leaves a loop of progress early leaves nothing behind', async () => {
  const db = behind();
  const job = db.waitIndexedAsync();
  for await (const _ of job.progress) break;
  assert.ok(!process.getActiveResourcesInfo().includes('Timeout'));
  await job;
  db.close();
});

test('an error of a call that is watched is told once', () => {
  const failing = (body) => program(`
    const db = Database.open(null, { dim: 128, threads: 1 });
    fill(db, 20000);
    process.on('unhandledRejection', (error) => console.log('unhandled', error.code));
    const stop = new AbortController();
    const job = db.waitIndexedAsync({ signal: stop.signal });
    setTimeout(() => stop.abort(), 30);
    ${body}
    await sleep(100);
    db.close();`);
  // The error comes while the body of the loop waits.
  const slowly = 'for await (const _ of job.progress) await sleep(100);';
  assert.equal(failing(`try { ${slowly} await job; } catch (error) { console.log(error.code); }`), 'VDB_ERR_CANCELLED\n');
  const aside = `const watch = (async () => { ${slowly} })(); await job.catch((error) => console.log(error.code)); await watch;`;
  assert.equal(failing(aside), 'VDB_ERR_CANCELLED\n');
  assert.equal(failing(slowly), 'unhandled VDB_ERR_CANCELLED\n');
  assert.equal(failing('await sleep(100);'), 'unhandled VDB_ERR_CANCELLED\n');
});

test('what a function of progress throws stops the call and rejects its promise', async () => {
  const db = behind();
  const wrong = new Error('from the function');
  const start = Date.now();
  await assert.rejects(db.waitIndexedAsync({ onProgress: () => { throw wrong; } }), (error) => error === wrong);
  await assert.rejects(db.measureRecallAsync(100, 10, { onProgress: async () => { throw wrong; } }), (error) => error === wrong);
  assert.ok(db.stats().unindexed > 0 && Date.now() - start < 5000, 'it was not stopped');
  await assert.rejects(db.insertAsync([90000], noise(1, 1, 128), { onProgress: 'x' }), /^TypeError: onProgress is x: a function/);
  await assert.rejects(db.insertAsync([90000], noise(1, 1, 128), { signal: {} }), /^TypeError: signal is .*an AbortSignal/);
  assert.equal(db.get([90000]).found[0], 0);
  db.close();
});

test('a signal stops what waits for a thread at once', async () => {
  const db = slow();
  const queries = noise(3, 4000, 64);
  const cursor = db.cursor(noise(4, 1, 64), { signal: AbortSignal.timeout(20) });
  const start = Date.now();
  const long = Array.from({ length: 8 }, () => db.searchBatchAsync(queries, 10));
  const stopped = [];
  const after = (promise) => stopped.push(assert.rejects(promise, fails('VDB_ERR_CANCELLED')));
  // One that libuv has in its queue, then those that wait here.
  after(db.searchAsync(noise(4, 1, 64), 3, { signal: AbortSignal.timeout(20) }));
  const others = Array.from({ length: 40 }, () => db.searchAsync(noise(4, 1, 64), 3));
  after(db.upsertAsync([5], noise(4, 1, 64), { signal: AbortSignal.timeout(20) }));
  after(db.deleteAsync([5], { signal: AbortSignal.timeout(20) }));
  after(cursor.nextAsync());
  await Promise.all(stopped);
  const waited = Date.now() - start;
  await Promise.all([...long, ...others]);
  assert.ok(waited < (Date.now() - start) / 3, `${waited} ms`);
  assert.deepEqual(db.get([5]).vectors, noise(1, 6, 64).subarray(5 * 64));
  cursor.close();
  await assert.rejects(db.deleteAsync([5], { signal: AbortSignal.abort() }), fails('VDB_ERR_CANCELLED'));
  await assert.rejects(db.updateMetaAsync([5], [{}], { signal: AbortSignal.abort() }), fails('VDB_ERR_CANCELLED'));
  assert.deepEqual([db.count(), db.getMeta([5])], [20000, [null]]);
  await db.closeAsync();
});

test('a call goes on when what it uses is closed', async () => {
  const db = Database.open(null, { dim: 4 });
  const rows = fill(db, 100);
  const query = rows.subarray(0, 4);
  const uses = [];
  // More than there are places for.
  for (let i = 0; i < 50; i++) {
    const [filter, snapshot] = [Filter.allow([i]), db.snapshot()];
    uses.push(db.searchAsync(query, 1, { filter, snapshot }), db.countAsync(filter, { snapshot }));
    filter.close();
    snapshot.close();
    assert.throws(() => db.search(query, 1, { filter }), fails('VDB_ERR_CLOSED'));
    assert.throws(() => db.count(undefined, { snapshot }), fails('VDB_ERR_CLOSED'));
  }
  const deleting = db.deleteWhereAsync(Filter.allow([99]));
  globalThis.gc();
  const cursor = db.scan();
  const page = cursor.nextAsync(2);
  cursor.close();
  const closing = db.closeAsync();
  assert.throws(() => db.count(), fails('VDB_ERR_CLOSED'));
  await assert.rejects(db.countAsync(), fails('VDB_ERR_CLOSED'));
  const found = await Promise.all(uses);
  found.forEach((hits, i) => assert.equal(i % 2 ? hits : hits.ids[0], i % 2 ? 1 : BigInt(i / 2)));
  assert.equal(await deleting, 1);
  assert.deepEqual([...(await page).ids], [0n, 1n]);
  await closing;
});

test('a read that has to be made again goes on when what it reads is closed', async () => {
  const db = Database.open(null, { dim: 2 });
  const meta = [{ text: 'x'.repeat(5000) }];
  const ids = db.insertRecords({ vectors: [1, 2], keys: ['k'.repeat(500)], meta });
  const snapshot = db.snapshot();
  const texts = [db.getMetaAsync(ids, { snapshot }), db.getMetaAsync(ids), db.keysOfIdsAsync(ids)];
  snapshot.close();
  const closing = db.closeAsync();
  assert.deepEqual(await Promise.all(texts), [meta, meta, ['k'.repeat(500)]]);
  await closing;
});

test('small inputs may be written to, and given away, during a call', async () => {
  const db = Database.open(null, { dim: 64 });
  const wanted = [];
  const calls = [];
  for (let i = 0; i < 200; i++) {
    const [ids, rows] = [sequence(i * 2, 2), noise(i, 2, 64)];
    wanted.push(...rows);
    calls.push(db.upsertAsync(ids, rows));
    ids.fill(0n);
    if (i % 2) structuredClone(rows, { transfer: [rows.buffer] });
    else rows.fill(7);
  }
  await Promise.all(calls);
  assert.deepEqual(db.get(sequence(0, 400)).vectors, Float32Array.from(wanted));
  db.close();
});

test('calls that share a signal are no leak', () => {
  const said = program(`
    process.on('warning', (warning) => console.log(warning.name));
    const db = Database.open(null, { dim: 4 });
    fill(db, 10);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 100 }, () => db.searchAsync(noise(1, 1, 4), 1, { signal })));
    const cursors = Array.from({ length: 20 }, () => db.cursor(noise(1, 1, 4), { signal }));
    for (const cursor of cursors) cursor.close();
    await sleep(10);`);
  assert.equal(said, '');
});

test('reads have a promise too', async () => {
  const db = Database.open(null, { dim: 2 });
  const ids = db.insertRecords({ vectors: noise(1, 3, 2), keys: ['a', 'b', ''], meta: [{ text: 'x'.repeat(5000) }, { n: 1 }, null] });
  const snapshot = db.snapshot();
  assert.equal(await db.deleteKeysAsync(['b', 'z']), 1);
  assert.deepEqual(await db.keysOfIdsAsync(ids), ['a', null, null]);
  assert.deepEqual(await db.keysOfIdsAsync(ids, { snapshot }), ['a', 'b', null]);
  assert.deepEqual(await db.idsOfKeysAsync(['b'], { snapshot }), ids.slice(1, 2));
  assert.deepEqual(await db.getMetaAsync(ids, { snapshot }), [{ text: 'x'.repeat(5000) }, { n: 1 }, null]);
  assert.equal(await db.countAsync(), 2);
  assert.equal(await db.countAsync(Filter.parse('n = 1'), { snapshot }), 1);
  assert.equal((await db.explainAsync(noise(1, 1, 2), 1)).found, 1);
  await assert.rejects(db.getMetaAsync([-1]), fails('VDB_ERR_INVALID_ARGUMENT', ({ item }) => assert.equal(item, 0)));
  db.close();
});
