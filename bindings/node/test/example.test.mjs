import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folder } from './helpers.mjs';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

test('the example finds what is near', () => {
  const output = execFileSync(process.execPath, [path('examples/search.mjs'), path('../../data/wordnet')], { encoding: 'utf8' });
  assert.match(output, /5000 of 5000 rows are in/);
  for (const name of ['recall@10 of 100 questions: ', 'asked of the database itself: ']) {
    assert.ok(Number(output.split(name)[1].slice(0, 5)) > 0.97, output);
  }
});

test('the quick start of the manual does what it says', (t) => {
  const code = readFileSync(path('../../docs/node.md'), 'utf8').match(/```js\n(.*?)```/s)[1];
  const file = join(folder(t), 'quickstart.mjs');
  writeFileSync(file, code.replace("'vdb'", `'${new URL('../dist/index.js', import.meta.url)}'`));
  const output = execFileSync(process.execPath, [file], { encoding: 'utf8', cwd: join(file, '..') });
  assert.equal(output, 'row 10, distance 0.019\nrow 30, distance 0.168\n');
});
