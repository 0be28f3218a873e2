/** Which names an object of parameters can have. One that is not known would do nothing, and be missed for long. */

import type { CallOptions, SignalOption } from './call.js';
import type { ScalarOption } from './database.js';
import type { BackupOptions, ExportOptions, ImportOptions } from './files.js';
import type { At } from './reads.js';
import type { SearchParams } from './search.js';
import type { Diversity, Examples } from './searches.js';
import type { Records } from './writes.js';

export type Names = ReadonlySet<string>;

/** The names of a type: the compiler sees that none is missing, and none too many. */
const of = <T>(names: Record<keyof T, true>): Names => new Set(Object.keys(names));
const and = (one: Names, other: Names): Names => new Set([...one, ...other]);

export const CALL = of<CallOptions>({ signal: true, onProgress: true });
/** Of calls that have no parameters. */
export const NONE: Names = new Set();
export const SIGNAL = of<SignalOption>({ signal: true });
export const SCALAR = of<ScalarOption>({ scalar: true });
export const AT = of<At>({ snapshot: true });
export const RECORDS = of<Records>({ ids: true, vectors: true, keys: true, meta: true });
export const EXAMPLES = of<Examples>({ positive: true, negative: true });
export const SEARCH = of<SearchParams>({
  ef: true, targetRecall: true, rerank: true, exact: true, deadlineMs: true, filter: true, snapshot: true, maxMemory: true,
  noCache: true, scalar: true,
});
export const DIVERSE = and(SEARCH, of<Diversity>({ candidates: true, lambda: true }));
export const BACKUP = of<BackupOptions>({ previous: true });
export const IMPORT = of<ImportOptions>({ format: true });
export const EXPORT = of<ExportOptions>({ format: true, filter: true });

export const AT_SIGNAL = and(AT, SIGNAL);
export const SCALAR_AT = and(SCALAR, AT);
export const SEARCH_SIGNAL = and(SEARCH, SIGNAL);
export const SCALAR_CALL = and(SCALAR, CALL);
export const SEARCH_CALL = and(SEARCH, CALL);
export const DIVERSE_SIGNAL = and(DIVERSE, SIGNAL);
export const BACKUP_CALL = and(BACKUP, CALL);
export const IMPORT_CALL = and(IMPORT, CALL);
export const EXPORT_CALL = and(EXPORT, CALL);

/** The parameters as they are, where all of their names are known. One that is undefined is not there. */
export function known<T extends object | undefined>(params: T, names: Names): T {
  if (params === undefined) return params;
  if (typeof params !== 'object' || params === null) throw new TypeError(`parameters are ${String(params)}: an object is needed, with ${list(names)}`);
  for (const name in params) {
    if (!names.has(name) && (params as Record<string, unknown>)[name] !== undefined) {
      throw new TypeError(`unknown parameter ${name}: there are ${list(names)}`);
    }
  }
  return params;
}

/** The same for what cannot be left out. */
export function needed<T extends object>(params: T, names: Names): T {
  if (params === undefined) throw new TypeError(`parameters are needed: an object with ${list(names)}`);
  return known(params, names);
}

const list = (names: Names): string => [...names].join(', ');
