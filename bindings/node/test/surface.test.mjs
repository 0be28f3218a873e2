import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { layouts, optionNumbers, prototypes } from '../dist/generated.js';
import { optionTable } from '../dist/index.js';
import { NativeParams } from '../dist/search.js';

/** What the package does not need of the library, and why. */
const UNWRAPPED = {
  vdb_search_exact: 'exact is a parameter of searches',
  vdb_status_name: 'the names are in generated.ts',
  vdb_version_number: 'version() is the text',
  vdb_get_batch: 'vdb_get_batch_at has the newest state too',
  vdb_count: 'the same',
  vdb_ids_of_keys: 'the same',
  vdb_keys_of_ids: 'the same',
  vdb_get_meta: 'the same',
  vdb_cursor_scan: 'the same',
  vdb_options_set_u64: 'options are set by text',
  vdb_options_set_f64: 'options are set by text',
};

// A function that the header gains is in generated.ts as soon as that is made anew; it must be wrapped too.
test('every function is wrapped', () => {
  const src = new URL('../src/', import.meta.url);
  const text = readdirSync(src).filter((name) => name !== 'generated.ts').map((name) => readFileSync(new URL(name, src), 'utf8')).join('');
  const names = Object.keys(prototypes);
  assert.ok(names.length > 40);
  for (const name of names) {
    const used = new RegExp(`\\b${name}\\b`).test(text) || new RegExp(`^vdb_(filter|cursor|snapshot)_free$`).test(name);
    assert.equal(used, !(name in UNWRAPPED), `${name}: ${UNWRAPPED[name] ?? 'not wrapped'}`);
  }
});

test('options of the header are those of the library', () => {
  assert.deepEqual(optionTable().map(({ id }) => id).sort(), Object.values(optionNumbers).sort());
});

test('the options that are switches are those of the library', () => {
  const types = readFileSync(new URL('../dist/generated.d.ts', import.meta.url), 'utf8');
  const switches = [...types.matchAll(/^ {4}(\w+)\?: boolean \| 0 \| 1/gm)].map(([, key]) => key);
  assert.ok(switches.length > 3);
  assert.deepEqual(switches.sort(), optionTable().filter(({ values }) => 'off' in values).map(({ key }) => key).sort());
});

// Before TypeScript 5.7 typed arrays are not generic.
test('types are those of older compilers too', () => {
  const dist = new URL('../dist/', import.meta.url);
  for (const name of readdirSync(dist).filter((name) => name.endsWith('.d.ts'))) {
    assert.doesNotMatch(readFileSync(new URL(name, dist), 'utf8'), /Array<ArrayBuffer/, name);
  }
});

// Each field of the parameters has a way to set it: what is written with all of them is nowhere zero.
test('every field of the parameters of a search is set by something', () => {
  const params = new NativeParams();
  params.fill({
    ef: 0xffffffff, rerank: 0xffffffff, targetRecall: -0.7, exact: true, deadlineMs: 2 ** 40, maxMemory: 2 ** 40, noCache: true,
    filter: { handle: 2n ** 63n + 1n }, snapshot: { handle: 2n ** 63n + 1n },
  }, 0xffffffff, 2n ** 63n + 1n);
  const view = new DataView(params.bytes.buffer);
  for (const [name, [at, kind]] of Object.entries(layouts.SearchParams.fields)) {
    const value = kind === 'u64' ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
    assert.notEqual(value, 0, name);
  }
});
