// Searches 5,000 dictionary entries by meaning: node search.mjs ../../data/wordnet
import { readFile } from 'node:fs/promises';
import { Database, Filter } from 'vdb';

const folder = process.argv[2] ?? '../../data/wordnet';
const lines = async (name) => (await readFile(`${folder}/${name}`, 'utf8')).trimEnd().split('\n');
/** The numbers of an .npy file: a header of 128 bytes, then the rows. */
const numbers = async (name, Type) => {
  const file = await readFile(`${folder}/${name}`);
  return new Type(file.buffer.slice(file.byteOffset + 128, file.byteOffset + file.length));
};

const DIM = 384;
const rows = await numbers('base.npy', Uint16Array); // half-precision numbers, by their bits
const questions = await numbers('queries.npy', Uint16Array);
const truth = await numbers('gt_top10_ids.npy', Int32Array);
const [texts, asked] = [await lines('glosses.txt'), await lines('query_glosses.txt')];

const db = Database.open(null, { dim: DIM, metric: 'cosine', scalar: 'f16' });
await db.insertAsync(BigUint64Array.from(texts, (_, i) => BigInt(i)), rows, {
  onProgress: (done, total) => console.log(`${done} of ${total} rows are in`),
});
await db.waitIndexedAsync({ signal: AbortSignal.timeout(60_000) });

const question = (number) => questions.subarray(number * DIM, (number + 1) * DIM);
for (const number of [63, 34, 43]) {
  console.log(`\n${asked[number].slice(0, 90)}`);
  const { ids, distances } = db.search(question(number), 3);
  ids.forEach((id, i) => console.log(`   ${distances[i].toFixed(3)}  ${texts[id].slice(0, 90)}`));
}

// Only among some rows: a filter is made once and used again.
const long = Filter.allow([...texts.keys()].filter((i) => texts[i].length > 150));
const { ids } = db.search(question(63), 3, { filter: long });
if (!ids.every((id) => texts[id].length > 150)) throw new Error('a short text passed the filter');
long.close();

// All questions in one call, and how much of the truth that finds.
const found = await db.searchBatchAsync(questions, 10);
const hits = found.ids.filter((id, i) => truth.subarray(i - (i % 10), i - (i % 10) + 10).includes(Number(id)));
console.log(`\nrecall@10 of ${asked.length} questions: ${(hits.length / truth.length).toFixed(3)}`);
console.log(`asked of the database itself: ${db.measureRecall(questions, 10).recall.toFixed(3)}`);
await db.closeAsync();
