import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, Database, Filter, Snapshot } from '../dist/index.js';
import { sleep } from './helpers.mjs';

test('what is not made with new says what makes it', async () => {
  for (const [make, by] of [
    [() => new Database('x', { dim: 4 }), /Database\.open/], [() => new Database({ path: 'x', dim: 4 }), /Database\.open/],
    [() => new Filter('a = 1'), /Filter\.parse/], [() => new Cursor(), /db\.cursor/], [() => new Snapshot({}), /db\.snapshot/],
  ]) {
    assert.throws(make, (error) => error instanceof TypeError && by.test(error.message));
  }
  // What was not made is not given back.
  for (let round = 0; round < 5; round++) {
    globalThis.gc();
    await sleep(5);
  }
});
