/** What a database tells of itself: statistics, times, its log. */

import { OutU64, run, type Plan } from './call.js';
import { invalid, VdbError } from './error.js';
import { call as calls, EXPLAIN_MAX, originals, type Call, type Latency, type Stats } from './generated.js';
import { nameOf, Struct } from './memory.js';
import { parseReport, reportPlan, type Columns } from './reports.js';
import { checkK, NativeParams, type SearchParams } from './search.js';
import { usedBy } from './searches.js';
import { toVectors, type Components, type Target } from './vectors.js';

/** Bytes of the log that are read at a time. */
const LOG_BYTES = 16 * 1024;

export function readStats(db: Target): Stats {
  const struct = new Struct('Stats');
  return run({
    name: 'vdb_stats_get',
    args: () => [db.handle, struct.bytes],
    finish: () => ({ ...struct.numbers(), originals: nameOf(originals, struct.number('originals')!) }) as unknown as Stats,
  });
}

/** How a search went and why: vdb_explain in the header has all members, here in camelCase. */
export interface Explanation {
  /** 'scan', 'pick', 'walk', 'walk through' or 'walk over'. */
  plan: string;
  /** What decided, in words. */
  why: string;
  complete: boolean;
  found: number;
  /** What would help, most important first. */
  advice: string[];
  [member: string]: unknown;
}

export function explainPlan(db: Target, query: Components, k: number, params?: SearchParams): Plan<Explanation> {
  const v = toVectors(query, db, params?.scalar, 1);
  checkK(k);
  const struct = new NativeParams();
  struct.fill(params, v.scalar, null);
  const before = [db.handle, v.memory, v.dim, k, struct.bytes];
  return { ...reportPlan<Explanation>('vdb_explain', EXPLAIN_MAX, before, () => []), task: undefined, reads: true, uses: () => usedBy(params) };
}

/** A text whose length only the library knows, into a buffer that grows until it fits. */
export function readText(name: 'vdb_columns_get' | 'vdb_option_get_text', before: unknown[]): string {
  for (let size = 4096; ; ) {
    const buffer = Buffer.alloc(size);
    const length = new OutU64();
    try {
      return run({
        name,
        args: () => [...before, buffer, size, length.memory],
        finish: () => buffer.toString('utf8', 0, length.number),
      });
    } catch (error) {
      if (!(error instanceof VdbError && error.code === 'VDB_ERR_BUFFER_TOO_SMALL')) throw error;
      size = length.number + 1;
    }
  }
}

export function readColumns(db: Target): Columns {
  return parseReport<Columns>(readText('vdb_columns_get', [db.handle]));
}

export function readLatency(db: Target, call: Call): Latency {
  const number = calls[call];
  if (number === undefined) throw invalid('VDB_ERR_UNSUPPORTED', `${call} is none of ${Object.keys(calls).join(', ')}`);
  const struct = new Struct('Latency');
  return run({
    name: 'vdb_latency_get',
    args: () => [db.handle, number, struct.bytes],
    finish: () => ({ ...struct.numbers(), call }) as unknown as Latency,
  });
}

export function readLog(db: Target): string[] {
  const buffer = Buffer.alloc(LOG_BYTES);
  const length = new OutU64();
  const lines: string[] = [];
  for (;;) {
    const text = run({
      name: 'vdb_log_read',
      args: () => [db.handle, buffer, buffer.length, length.memory],
      finish: () => buffer.toString('utf8', 0, length.number),
    });
    if (text === '') return lines;
    lines.push(...text.trimEnd().split('\n'));
  }
}
