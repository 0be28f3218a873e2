import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { folder } from './helpers.mjs';
import { Notes } from './notes.mjs';
import { Replayer } from './replay.mjs';

const from = new URL('../../testdata/', import.meta.url);
const files = readdirSync(from).filter((name) => name.endsWith('.json'));
assert.ok(files.length > 0, 'there are no test vectors');
const notes = new Notes();
after(() => notes.write());

for (const file of files) {
  for (const { name, steps } of JSON.parse(readFileSync(new URL(file, from), 'utf8')).cases) {
    test(`vectors: ${name}`, async (t) => {
      const replayer = new Replayer(folder(t), steps);
      notes.failed.push(name);
      for (const [i, step] of steps.entries()) {
        try {
          await replayer.step(step);
        } catch (error) {
          error.message = `step ${i}, ${step.op}: ${error.message}`;
          throw error;
        }
      }
      replayer.close();
      notes.passed.push(notes.failed.pop());
      if (name === 'the script') notes.transcript.push(...replayer.transcript);
    });
  }
}

// A replayer that finds nothing wrong proves nothing.
test('wrong vectors are noticed', async (t) => {
  for (const wrong of [
    { op: 'count', db: 'db', expect: { count: 2 } },
    { op: 'count', db: 'db', expect: { counts: 1 } },
    { op: 'count', db: 'db', expect: { status: 'ERR_CLOSED' } },
    { op: 'count', db: 'db', filters: 'x' },
    { op: 'counts', db: 'db' },
    { op: 'insert', db: 'db', ids: ['1'], rows: [[1, 2]] },
    { op: 'insert', db: 'db', ids: ['1'], rows: [[1, 2]], expect: { status: 'ERR_ALREADY_EXISTS' } },
    { op: 'search', db: 'db', queries: [[1, 2]], k: 1, expect: { ids: [['1']], distances: [[0.01]] } },
    { op: 'search', db: 'db', queries: [[1, 2]], k: 1, params: { eff: 3 } },
    { op: 'stats', db: 'db', expect: { stats: { live: 2 } } },
  ]) {
    const replayer = new Replayer(folder(t));
    await replayer.step({ op: 'open', db: 'db', path: null, options: { 'schema.dim': 2 } });
    await replayer.step({ op: 'insert', db: 'db', ids: ['1'], rows: [[1, 2]] });
    await assert.rejects(replayer.step(wrong), JSON.stringify(wrong));
    replayer.close();
  }
});
