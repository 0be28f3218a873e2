import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packAll, PLATFORMS } from '../pack.mjs';
import { folder } from './helpers.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const platform = `${process.platform}-${process.arch}`;

test('the packages can be installed into an empty project and used', { skip: !(platform in PLATFORMS) && `no package for ${platform}` }, (t) => {
  const root = folder(t);
  const { main, platform: library } = packAll(join(root, 'packages'));
  const project = join(root, 'project');
  const env = { ...process.env, VDB_LIBRARY: '' };
  const run = (command, ...args) => execFileSync(command, args, { cwd: project, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
  execFileSync('mkdir', [project]);
  writeFileSync(join(project, 'package.json'), '{"name": "project", "private": true}');
  run('npm', 'install', '--silent', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', main, library);

  const installed = JSON.parse(readFileSync(join(project, 'node_modules/vdb/package.json'), 'utf8'));
  assert.deepEqual(Object.keys(installed.optionalDependencies), Object.keys(PLATFORMS).map((name) => `@vdb/${name}`));
  const other = JSON.parse(readFileSync(join(project, `node_modules/@vdb/${platform}/package.json`), 'utf8'));
  assert.deepEqual([other.version, other.os, other.cpu, other.libc], [installed.version, ['linux'], ['x64'], ['glibc']]);

  const body = `
    const db = Database.open('quickstart.vdb', { dim: 4, metric: 'cosine' });
    db.upsert([10, 20, 30], Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0));
    const { ids, distances } = db.search(Float32Array.of(1, 0.2, 0, 0), 2);
    for (const [i, id] of ids.entries()) console.log('row ' + id + ', distance ' + distances[i].toFixed(3));
    db.close();
  `;
  const wanted = 'row 10, distance 0.019\nrow 30, distance 0.168\n';
  writeFileSync(join(project, 'a.mjs'), `import { Database } from 'vdb';${body}`);
  writeFileSync(join(project, 'b.cjs'), `const { Database } = require('vdb');${body}
    if (!require('fs').readFileSync('/proc/self/maps', 'utf8').includes('node_modules/@vdb/${platform}/')) throw new Error('another library');`);
  assert.equal(run(process.execPath, 'a.mjs'), wanted);
  assert.equal(run(process.execPath, 'b.cjs'), wanted);

  // The types, as a module and as CommonJS.
  const typed = `import { Database, Filter, VdbError, type Hits, type Job, type Options, type Records, type SearchParams } from 'vdb';
    const options: Options = { dim: 4, metric: 'cosine', durability: 'process', 'hnsw.m': 8 };
    const db: Database = Database.open(null, options);
    db.insert(new BigUint64Array(1), new Float32Array(4));
    const hits: Hits = db.search([1, 2, 3, 4], 1, { ef: 10, filter: Filter.allow([1n]), deadlineMs: 5 });
    const id: bigint | undefined = hits.ids[0];
    const more: Promise<Hits> = db.searchAsync([1, 2, 3, 4], 1, { signal: new AbortController().signal });
    const live: number = db.stats().live;
    if (new Error() instanceof VdbError) console.log(id, more, live);
    const job: Job<void> = db.waitIndexedAsync();
    const watch = async () => {
      for await (const { done, total } of job.progress) console.log(done / total);
      await job;
    };
    const params: SearchParams = { ef: undefined, filter: undefined };
    const records: Records = { vectors: new Uint8Array(4), keys: undefined };
    interface Album { year: number }
    const album: Album = { year: 1971 };
    db.updateMeta([1, 2], [album, { title: { of: ['a'] } }]);
    Filter.parse('a = $1').bind(5n);
    // @ts-expect-error numbers of 64 bits are no components
    db.search(new Float64Array(4), 1);
    // @ts-expect-error nor are these
    db.search(new DataView(new ArrayBuffer(16)), 1);
    // @ts-expect-error a function is no JSON
    db.updateMeta([1], [() => 1]);
    // @ts-expect-error a list is no object
    db.updateMeta([1], [[1, 2]]);
    // @ts-expect-error a dimension is a number
    Database.open(null, { dim: true });
    // @ts-expect-error a switch is on or off
    Database.open('x', { readOnly: 'maybe' });
    console.log(watch, params, records);
    // @ts-expect-error there is no such metric
    Database.open(null, { dim: 4, metric: 'euclid' });
    // @ts-expect-error there is no such option
    Database.open(null, { dimension: 4 });
    // @ts-expect-error a code is one of the names
    if (new VdbError('VDB_ERR_IO', '').code === 'VDB_ERR_DISK') db.close();
  `;
  for (const extension of ['mts', 'cts']) writeFileSync(join(project, `c.${extension}`), typed);
  const types = join(here, 'node_modules/@types');
  run(process.execPath, join(here, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'node16', '--target', 'es2022',
    '--typeRoots', types, '--types', 'node', 'c.mts', 'c.cts');
});
