/**
 * vdb: a vector database inside the process. See docs/node.md, and vdb.h for what each call does.
 */

import { run, type CallOptions, type Plan, type SignalOption } from './call.js';
import { native } from './ffi.js';
import { start, startJob, type Job } from './job.js';
import { optionSet, pathText, type Path } from './options.js';
import { REPAIR_REPORT_MAX, type Options } from './generated.js';
import type { Database } from './database.js';
import { CALL, known, SEARCH, SEARCH_SIGNAL } from './names.js';
import type { ManyHits, SearchParams } from './search.js';
import { manyPlan } from './searches.js';
import type { Components } from './vectors.js';
import { reportPlan, type BuildInfo, type RepairReport } from './reports.js';

export { Database, version, type ScalarOption } from './database.js';
export type { Explanation } from './inside.js';
export type { At, Rows } from './reads.js';
export type { BackupOptions, ExportOptions, ImportOptions } from './files.js';
export { Snapshot } from './snapshot.js';
export type { Diversity, Examples, Recall } from './searches.js';
export { Cursor } from './cursor.js';
export type { Records } from './writes.js';
export { Filter, type FilterValue } from './filter.js';
export { VdbError } from './error.js';
export { optionTable, type OptionInfo } from './options.js';
export { BatchHits, ManyHits, type Hits, type RangeHits, type SearchParams } from './search.js';
export type { CallOptions, OnProgress, SignalOption } from './call.js';
export type { Job } from './job.js';
export type { Progress } from './task.js';
export type { Path } from './options.js';
export type { BuildInfo, CheckReport, Column, Columns, Problem, RepairReport } from './reports.js';
export { textAt, type Keys, type Metadata, type MetaObject, type Texts } from './texts.js';
export type { ComponentArray, Components, Float16Components, Ids } from './vectors.js';
export {
  ABI_VERSION, ID_NONE, KEY_MAX, MAX_K,
  type Call, type CheckLevel, type Durability, type ErrorCode, type Latency, type LogLevel, type Metric, type Options, type Originals, type Profile, type Quant,
  type Scalar, type Stats, type WhenBehind,
} from './generated.js';

/** Facts about the library: version, ABI, target, and the instruction set that this processor gets. */
export function buildInfo(): BuildInfo {
  return run({ ...reportPlan<BuildInfo>('vdb_build_info', 4096, [], () => []), task: undefined });
}

/**
 * Finds the k nearest rows of each query among those of all databases, as if they were one. They must have the same metric and
 * dimension.
 */
export function searchMany(dbs: readonly Database[], queries: Components, k: number, params?: SearchParams): ManyHits {
  return run(manyPlan(dbs, queries, k, known(params, SEARCH)));
}

export function searchManyAsync(
  dbs: readonly Database[], queries: Components, k: number, params: SearchParams & SignalOption = {},
): Promise<ManyHits> {
  return start(params, SEARCH_SIGNAL, () => manyPlan(dbs, queries, k, params, true));
}

function repairPlan(from: Path, to: Path, options: Options | undefined): Plan<RepairReport> {
  const paths = [pathText('from', from), pathText('to', to)];
  const set = optionSet(options);
  const plan = reportPlan<RepairReport>('vdb_repair', REPAIR_REPORT_MAX, [...paths, set], (task) => [task]);
  return { ...plan, end: () => native.vdb_options_free(set) };
}

/**
 * Makes a new database in the directory `to` out of all that can be read of the damaged one in `from`. Options are needed only when
 * no manifest is whole.
 */
export function repair(from: Path, to: Path, options?: Options): RepairReport {
  return run(repairPlan(from, to, options));
}

export function repairAsync(from: Path, to: Path, options?: Options, call?: CallOptions): Job<RepairReport> {
  return startJob(call, CALL, () => repairPlan(from, to, options));
}
