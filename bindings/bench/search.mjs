#!/usr/bin/env node
// search.c in JavaScript: what one search costs.
import { Database } from '../node/dist/index.js';

const [dim, rows, rounds, searches] = [4, 10, 400, 1000];
const db = Database.open(null, { dim });
db.insert(
  BigUint64Array.from({ length: rows }, (_, i) => BigInt(i)),
  Float32Array.from({ length: rows * dim }, (_, i) => ((i * 37) % 100) / 100),
);
const query = Float32Array.of(0.5, 0.25, 0.125, 0.0625);

function best(search) {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < searches; i++) if (search().ids.length !== rows) throw new Error('too few hits');
    best = Math.min(best, Number(process.hrtime.bigint() - start) / searches);
  }
  return best.toFixed(0);
}

console.log('Node', best(() => db.search(query, rows)));
console.log('Node, with parameters', best(() => db.search(query, rows, { ef: 20 })));
db.close();
