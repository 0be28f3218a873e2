// Replays a case of ../../testdata through the package, as the README there says.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noted } from './notes.mjs';
import { Database, Filter, ID_NONE, repair, searchManyAsync, textAt, VdbError } from '../dist/index.js';

const ARRAYS = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, i8: Int8Array, u8: Uint8Array, b1: Uint8Array };
const LISTS = ['f32', 'i8', 'u8'];
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/(\D)(\d+)$/, '$1_$2').replace('__', '_');
const inSnake = (fields) => Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [snake(name), value]));

/** A task as signals and progress functions have it. */
class Task {
  controller = new AbortController();
  done = 0;
  total = 0;
  get options() {
    return {
      signal: this.controller.signal,
      onProgress: (done, total) => Object.assign(this, { done, total }),
    };
  }
}

export class Replayer {
  #handles = {};
  #folder;
  /** Whether the case counts calls: each step is one then. */
  counts;
  /** A line for each step. */
  transcript = [];

  constructor(folder, steps = []) {
    this.#folder = folder;
    this.counts = steps.some(({ op }) => op === 'stats' || op === 'latency');
  }

  close() {
    for (const handle of Object.values(this.#handles)) {
      try {
        handle.close?.();
      } catch (error) {
        assert.equal(error.code, 'VDB_ERR_CLOSED');
      }
    }
  }

  async step({ op, expect = {}, ...args }) {
    const run = ops[op];
    assert.ok(run, `${op}: an op that the replayer does not know`);
    const known = run.toString().match(/^(?:async )?\(r, \{(.*?)\}/s)[1].split(',').map((name) => name.split(/[:=]/)[0].trim());
    for (const name of Object.keys(args)) assert.ok(known.includes(name), `${name}: an argument that the replayer does not know`);
    const { status: wanted = 'OK', item = null, message, ...results } = expect;
    let [got, error] = [{}, null];
    try {
      got = (await run(this, args)) ?? {};
    } catch (thrown) {
      if (!(thrown instanceof VdbError)) throw thrown;
      [got, error] = [{ report: thrown.report, status: thrown.code.replace('VDB_', '') }, thrown];
    }
    got = { ...got, ...Object.fromEntries(['report', 'stats', 'told'].filter((name) => got[name]).map((name) => [name, inSnake(got[name])])) };
    this.transcript.push(noted(op, got, error, results));
    assert.equal(got.status ?? 'OK', wanted, error?.message);
    if (error) {
      assert.equal(error.item, item === null ? null : Number(item), error.message);
      if (message) assert.ok(error.message.includes(message), `${error.message} does not contain ${message}`);
    } else {
      assert.equal(message ?? '', '');
      assert.equal(item, null);
    }
    for (const [name, value] of Object.entries(results)) this.#compare(name, got, value);
  }

  #compare(name, got, wanted) {
    if (['report', 'stats', 'told'].includes(name)) {
      for (const [field, value] of Object.entries(wanted)) assert.deepEqual(got[name][field], value, `${name}: ${field}`);
      return;
    }
    if (name === 'contains') {
      for (const part of wanted) assert.ok(got.contains.includes(part), `the log has no ${part}:\n${got.contains}`);
      return;
    }
    assert.ok(name in got, `${name}: an expectation that the replayer does not know`);
    if (name !== 'distances') return assert.deepEqual(got[name], wanted, name);
    const [g, w] = [got[name].flat(), wanted.flat()];
    assert.equal(g.length, w.length);
    g.forEach((distance, i) => assert.ok(Math.abs(distance - w[i]) <= 1e-4 * Math.max(1, Math.abs(w[i])), `${distance} is not ${w[i]}`));
  }

  get(name) {
    assert.ok(name in this.#handles, `there is no handle ${name}`);
    return this.#handles[name];
  }

  set(name, handle) {
    this.#handles[name] = handle;
  }

  path(name) {
    return name ? join(this.#folder, name) : name;
  }

  /** The state that is read. */
  at(snapshot) {
    return snapshot === undefined ? {} : { snapshot: this.get(snapshot) };
  }

  /** What a search takes of a task: it tells no progress. */
  signal(name) {
    return name === undefined ? {} : { signal: this.get(name).controller.signal };
  }

  task(name) {
    return name === undefined ? {} : this.get(name).options;
  }

  /** Rows as one array of the type that the case says. */
  rows(rows, scalar = 'f32') {
    const bytes = rows.map((row) => Buffer.from(
      typeof row === 'string' ? Buffer.from(row, 'hex') : new Uint8Array(ARRAYS[scalar].from(row).buffer)));
    const all = Buffer.concat(bytes);
    return new ARRAYS[scalar](all.buffer.slice(all.byteOffset, all.byteOffset + all.length));
  }

  params(params = {}, scalar = 'f32') {
    const { filter, task, snapshot, ef, rerank, target_recall: targetRecall, max_memory: maxMemory, exact, no_cache: noCache, ...others } = params;
    assert.deepEqual(others, {}, 'parameters that the replayer does not know');
    const given = {
      ef, rerank, targetRecall, maxMemory, exact, noCache, scalar,
      filter: filter && this.get(filter), ...this.at(snapshot), ...this.signal(task),
    };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  }
}

/** A search whose signal was given before: the promise is rejected, where C has a partial result. */
const orPartial = async (promise, params) => {
  try {
    return await promise;
  } catch (error) {
    if (params?.task && error.code === 'VDB_ERR_CANCELLED') return { status: 'PARTIAL' };
    throw error;
  }
};
const texts = (ids) => [...ids].map(String);

async function searches(r, db, queries, k, scalar, params) {
  // What a case counts as searches of one query are such.
  if (r.counts && queries.length === 1) {
    const { ids, distances } = await r.get(db).searchAsync(r.rows(queries, scalar), k, r.params(params, scalar));
    return { ids: [texts(ids)], distances: [[...distances]] };
  }
  const found = await orPartial(r.get(db).searchBatchAsync(r.rows(queries, scalar), k, r.params(params, scalar)), params);
  if (found.status) return found;
  assert.equal(found.counts.length, queries.length);
  const rows = queries.map((_, i) => found.row(i));
  // One query and several at once, and both kinds of calls, are the same.
  if (queries.length === 1 && !params?.task && !r.counts) {
    const one = r.get(db).search(r.rows(queries, scalar), k, r.params(params, scalar));
    assert.deepEqual(one.ids, rows[0].ids);
  }
  return listed(found);
}

/** The hits of each query; the places that are left over are empty. */
function listed({ k, ids, distances, counts, ...found }, sources) {
  const lists = (values) => Array.from(counts, (count, i) => [...values.subarray(i * k, i * k + count)]);
  counts.forEach((count, i) => {
    for (let at = i * k + count; at < (i + 1) * k; at++) assert.deepEqual([ids[at], distances[at]], [ID_NONE, Infinity]);
  });
  const all = { ids: lists(ids).map(texts), distances: lists(distances), status: found.partial ? 'PARTIAL' : 'OK' };
  return sources ? { ...all, sources: lists(sources) } : all;
}

/** The hits of one query. */
const single = ({ ids, distances, partial }) => ({ ids: texts(ids), distances: [...distances], status: partial ? 'PARTIAL' : 'OK' });

/** The call with keys and metadata where the step has some, or asks for an id. */
async function writes(r, op, db, ids, rows, scalar, task, keys, meta) {
  const options = { scalar, ...r.task(task) };
  if (ids && !ids.includes(null) && !keys && !meta) {
    await r.get(db)[`${op}Async`](ids.map(BigInt), r.rows(rows, scalar), options);
    return { ids };
  }
  const given = ids?.map((id) => (id === null ? ID_NONE : BigInt(id)));
  const records = { ...(given && { ids: given }), vectors: r.rows(rows, scalar), ...(keys && { keys }), ...(meta && { meta }) };
  return { ids: texts(await r.get(db)[`${op}RecordsAsync`](records, options)) };
}

const ops = {
  open: (r, { db, path, options }) => r.set(db, Database.open(r.path(path), options)),
  close: (r, { db }) => r.get(db).close(),
  option: (r, { db, name }) => ({ value: r.get(db).option(name) }),
  insert: (r, { db, ids, rows, scalar = 'f32', task, keys, meta }) =>
    writes(r, 'insert', db, ids, rows, scalar, task, keys, meta),
  upsert: (r, { db, ids, rows, scalar = 'f32', task, keys, meta }) =>
    writes(r, 'upsert', db, ids, rows, scalar, task, keys, meta),
  update_meta: (r, { db, ids, meta }) => ({ updated: r.get(db).updateMeta(ids.map(BigInt), meta) }),
  update_meta_where: async (r, { db, filter, meta, task }) => (
    { updated: await r.get(db).updateMetaWhereAsync(r.get(filter), meta, r.task(task)) }),
  delete_where: async (r, { db, filter, task }) => ({ deleted: await r.get(db).deleteWhereAsync(r.get(filter), r.task(task)) }),
  delete_keys: (r, { db, keys }) => ({ deleted: r.get(db).deleteKeys(keys) }),
  ids_of_keys: (r, { db, keys, snapshot }) => (
    { ids: [...r.get(db).idsOfKeys(keys, r.at(snapshot))].map((id) => (id === ID_NONE ? null : String(id))) }),
  keys_of_ids: (r, { db, ids, snapshot }) => ({ keys: r.get(db).keysOfIds(ids.map(BigInt), r.at(snapshot)) }),
  get_meta: (r, { db, ids, snapshot }) => {
    const texts = r.get(db).getMetaTexts(ids.map(BigInt), r.at(snapshot));
    return { meta: ids.map((_, i) => textAt(texts, i) || null) };
  },
  parse_filter: (r, { filter, text }) => r.set(filter, Filter.parse(text)),
  bind_filter: (r, { filter, from, values }) => r.set(filter, r.get(from).bind(...values)),
  delete: (r, { db, ids }) => ({ deleted: r.get(db).delete(ids.map(BigInt)) }),
  get: (r, { db, ids, scalar, snapshot }) => {
    const type = scalar ?? r.get(db).scalar;
    const bytes = Math.ceil((r.get(db).dim * { f32: 32, f16: 16, bf16: 16, i8: 8, u8: 8, b1: 1 }[type]) / 8);
    const into = new ARRAYS[type]((bytes * ids.length) / ARRAYS[type].BYTES_PER_ELEMENT);
    const { vectors, found } = r.get(db).getInto(ids.map(BigInt), into, { scalar: type, ...r.at(snapshot) });
    const row = (i) => vectors.subarray((i * vectors.length) / ids.length, ((i + 1) * vectors.length) / ids.length);
    const shown = (v) => (LISTS.includes(type) ? [...v] : Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString('hex'));
    return { rows: ids.map((_, i) => (found[i] ? shown(row(i)) : null)) };
  },
  count: (r, { db, filter, snapshot }) => ({ count: r.get(db).count(filter && r.get(filter), r.at(snapshot)) }),
  filter: (r, { filter, ids, allow }) => r.set(filter, allow ? Filter.allow(ids.map(BigInt)) : Filter.deny(ids.map(BigInt))),
  free_filter: (r, { filter }) => r.get(filter).close(),
  search: (r, { db, queries, k, scalar, params }) => searches(r, db, queries, k, scalar, params),
  search_exact: (r, { db, queries, k, scalar, params }) => searches(r, db, queries, k, scalar, { ...params, exact: true }),
  search_range: async (r, { db, query, max_distance: most, cap, scalar, params }) => {
    const found = await orPartial(
      r.get(db).searchRangeAsync(r.rows([query], scalar), most, cap, r.params(params, scalar)), params);
    return found.status ? found : { ids: texts(found.ids), distances: [...found.distances], more: found.more };
  },
  search_ids: async (r, { db, ids, k, params }) => listed(await r.get(db).searchIdsAsync(ids.map(BigInt), k, r.params(params))),
  recommend: async (r, { db, positive, negative, k, params }) => single(
    await r.get(db).recommendAsync({ positive: positive.map(BigInt), negative: negative.map(BigInt) }, k, r.params(params))),
  search_diverse: async (r, { db, query, k, candidates, lambda, params }) => single(
    await r.get(db).searchDiverseAsync(r.rows([query]), k, { candidates, lambda, ...r.params(params) })),
  search_groups: async (r, { db, query, path, groups, per_group: perGroup, params }) => listed(
    await r.get(db).searchGroupsAsync(r.rows([query]), path, groups, perGroup, r.params(params))),
  search_many: async (r, { dbs, queries, k, params }) => {
    // Without a database an array of numbers is one query.
    const groups = dbs.length > 0 ? [queries] : queries.map((query) => [query]);
    const all = { ids: [], distances: [], sources: [] };
    for (const group of groups) {
      const found = await searchManyAsync(dbs.map((name) => r.get(name)), r.rows(group), k, r.params(params));
      const { status, ...lists } = listed(found, found.sources);
      assert.equal(status, 'OK');
      for (const [name, list] of Object.entries(lists)) all[name].push(...list);
    }
    return all;
  },
  cursor_search: (r, { cursor, db, query, params }) => r.set(cursor, r.get(db).cursor(r.rows([query]), r.params(params))),
  cursor_scan: (r, { cursor, db, filter, snapshot }) => r.set(cursor, r.get(db).scan(filter && r.get(filter), r.at(snapshot))),
  cursor_read: async (r, { cursor, cap, count }) => {
    const all = { ids: [], distances: [] };
    while (count === undefined || all.ids.length < count) {
      const page = await r.get(cursor).nextAsync(count === undefined ? cap : Math.min(cap, count - all.ids.length));
      if (!page) break;
      all.ids.push(...texts(page.ids));
      all.distances.push(...page.distances);
    }
    return all;
  },
  free_cursor: (r, { cursor }) => r.get(cursor).close(),
  measure_recall: async (r, { db, queries, count, k, params }) => {
    const found = await r.get(db).measureRecallAsync(queries ? r.rows(queries) : count, k, r.params(params));
    assert.ok(found.low <= found.recall && found.recall <= found.high);
    return found;
  },
  sync: (r, { db }) => r.get(db).syncAsync(),
  refresh: (r, { db }) => r.get(db).refreshAsync(),
  checkpoint: (r, { db, task }) => r.get(db).checkpointAsync(r.task(task)),
  wait_indexed: (r, { db, task }) => r.get(db).waitIndexedAsync(r.task(task)),
  check: (r, { db, level }) => ({ report: r.get(db).check(level) }),
  repair: (r, { from, to, options }) => {
    const report = repair(r.path(from), r.path(to), options);
    return { report, status: report.complete ? 'OK' : 'PARTIAL' };
  },
  stats: (r, { db }) => ({ stats: r.get(db).stats() }),
  snapshot: (r, { snapshot, db }) => r.set(snapshot, r.get(db).snapshot()),
  free_snapshot: (r, { snapshot }) => r.get(snapshot).close(),
  backup: (r, { db, path, previous }) => r.get(db).backupAsync(r.path(path), previous ? { previous: r.path(previous) } : {}),
  export_file: (r, { db, path, format, filter }) => (
    r.get(db).exportAsync(r.path(path), { ...(format && { format }), ...(filter && { filter: r.get(filter) }) })),
  import_file: (r, { db, path, format }) => r.get(db).importAsync(r.path(path), format ? { format } : {}),
  explain: (r, { db, query, k, params }) => ({ told: r.get(db).explain(r.rows([query]), k, r.params(params)) }),
  latency: (r, { db, call }) => {
    const { count, p50Ns, p95Ns, p99Ns, maxNs } = r.get(db).latency(call.replace(/_(.)/g, (_, letter) => letter.toUpperCase()));
    assert.ok(p50Ns <= p95Ns && p95Ns <= p99Ns && p99Ns <= maxNs * 1.04 + 1, 'the times are not in order');
    return { count };
  },
  log_read: (r, { db }) => ({ contains: r.get(db).readLog().join('\n') }),
  cache_clear: (r, { db }) => r.get(db).clearCache(),
  task: (r, { task }) => r.set(task, new Task()),
  cancel: (r, { task }) => r.get(task).controller.abort(),
  progress: (r, { task }) => ({ done: r.get(task).done, total: r.get(task).total }),
  damage: (r, { file, offset }) => {
    const bytes = readFileSync(r.path(file));
    bytes[offset] ^= 0xff;
    writeFileSync(r.path(file), bytes);
  },
};
