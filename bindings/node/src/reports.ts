/** Reports that the library writes as JSON. */

import { OutU64, type Plan } from './call.js';
import type { Handle } from './generated.js';

/** One thing that is wrong with a database. */
export interface Problem {
  what: string;
  file?: string;
  block?: number;
  offset?: number;
}

/** What a check found. */
export interface CheckReport {
  sound: boolean;
  level: string;
  /** How far it was looked. */
  completed: string;
  files: number;
  bytes: number;
  logRecords: number;
  lsn: number;
  rows: number;
  graphNodes: number;
  recallAt10: number | null;
  recallQueries: number;
  problemCount: number;
  problems: Problem[];
}

/** What a repair saved and lost. */
export interface RepairReport {
  /** Whether every row was saved. */
  complete: boolean;
  rows: number;
  rowsLost: number;
  /** The lowest 100 of them. */
  lostIds: bigint[];
  rowsLostWithoutId: number;
  rowsUncertain: number;
  generation: number | null;
  files: number;
  filesDamaged: number;
  logRecords: number;
  logComplete: boolean;
  logRecordsLost: number;
  logBytesLost: number;
  problemCount: number;
  problems: Problem[];
}

/** One column of metadata. */
export interface Column {
  /** Its path, as a filter has it. */
  name: string;
  type: string;
  declared: boolean;
  /** Rows that it has been made of so far: all that follows is about these. */
  rows: number;
  nulls: number;
  distinct: number | null;
  /** A whole number of 16 digits or more is a text, of which none is lost. */
  min: unknown;
  max: unknown;
  bytes: number;
  bytesPerRow: number;
}

/** What is known of the columns of metadata: vdb_columns_get in the header. */
export interface Columns {
  rows: number;
  bytes: number;
  columns: Column[];
}

/** Facts about the library and this processor. */
export type BuildInfo = Record<string, unknown>;

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The lists of ids: numbers that JSON.parse would round. */
const ID_LISTS = new Set(['lostIds']);

/** Reads a report: names in camelCase, ids as bigints. */
export function parseReport<T>(text: string): T {
  // Long numbers become texts, outside of texts, so that no digit is lost.
  const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
  const safe = text.replace(tokens, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token));
  const convert = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => (ID_LISTS.has(key) ? BigInt(item as string) : convert(item, '')));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [camel(name), convert(item, camel(name))]));
  };
  return convert(JSON.parse(safe), '') as T;
}

/** A plan for a call that writes a report of at most `size` bytes; the three arguments of its buffer are in the middle. */
export function reportPlan<T>(
  name: Plan<T>['name'],
  size: number,
  before: unknown[],
  after: (task: Handle) => unknown[],
): Plan<T> {
  const buffer = Buffer.alloc(size);
  const length = new OutU64();
  const read = (): T => parseReport<T>(buffer.toString('utf8', 0, length.number));
  return {
    name,
    task: 'progress',
    args: (task) => [...before, buffer, size, length.memory, ...after(task)],
    finish: read,
    fail: (error) => {
      if (error.code === 'VDB_ERR_CORRUPT' && length.number > 0) error.report = read();
    },
  };
}
