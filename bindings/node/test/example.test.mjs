import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

test('the example finds what is near', () => {
  const output = execFileSync(process.execPath, [path('examples/search.mjs'), path('../../data/wordnet')], { encoding: 'utf8' });
  assert.match(output, /5000 of 5000 rows are in/);
  for (const name of ['recall@10 of 100 questions: ', 'asked of the database itself: ']) {
    assert.ok(Number(output.split(name)[1].slice(0, 5)) > 0.97, output);
  }
});
