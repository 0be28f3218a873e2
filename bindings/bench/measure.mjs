#!/usr/bin/env node
// measure.c in JavaScript.
import { readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Database } from '../node/dist/index.js';

const [smallDim, smallRows, smallSearches] = [4, 10, 20000];
const [sampleDim, sampleRows, queryCount, sampleSearches, k] = [384, 5000, 100, 2000, 10];
const [insertDim, insertRows, noGraph] = [60, 100000, 2000000];

const ids = BigUint64Array.from({ length: insertRows }, (_, i) => BigInt(i));
const rows = Float32Array.from({ length: insertRows * insertDim }, (_, i) => ((i * 37) % 100) / 100);
const small = Database.open(null, { dim: smallDim });
const large = Database.open(null, { dim: sampleDim });
small.insert(ids.subarray(0, smallRows), rows.subarray(0, smallRows * smallDim));
const file = readFileSync(`${process.argv[2]}/base.npy`).subarray(128);
large.insert(ids.subarray(0, sampleRows), file, { scalar: 'f16' });
large.waitIndexed();
const { vectors } = large.get(ids.subarray(0, queryCount));
const queries = Array.from({ length: queryCount }, (_, i) => vectors.subarray(i * sampleDim, (i + 1) * sampleDim));
const query = Float32Array.of(0.5, 0.25, 0.125, 0.0625);

/** Nanoseconds of each of `count` calls. */
function timed(count, call) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) call(i);
  return Number(process.hrtime.bigint() - start) / count;
}

function search(db, query, params) {
  if (db.search(query, k, params).ids.length !== k) throw new Error('too few hits');
}

function insert(batch) {
  const db = Database.open(null, { dim: insertDim, graphMinRows: noGraph });
  const each = timed(insertRows / batch, (i) => {
    const from = i * batch;
    db.insert(ids.subarray(from, from + batch), rows.subarray(from * insertDim, (from + batch) * insertDim));
  });
  db.close();
  return each / batch;
}

const ways = [() => search(small, query), () => search(small, query, { ef: 20 })];
console.log('Node\tNode, with parameters');
for await (const line of createInterface({ input: process.stdin })) {
  const [what, way] = line.split(' ');
  let ns;
  if (what === 'small') ns = timed(smallSearches, ways[Number(way)]);
  else if (what === 'sample') ns = timed(sampleSearches, (i) => search(large, queries[i % queryCount]));
  else ns = insert(Number(way));
  writeSync(1, `${ns.toFixed(1)}\n`);
}
