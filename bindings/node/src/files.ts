/** Plans of the calls that write and read files of others: backups, exports and imports. */

import type { Plan } from './call.js';
import type { Filter } from './filter.js';
import { numberOf } from './handle.js';
import { pathText, plainText, type Path } from './options.js';
import type { Target } from './vectors.js';

const formatText = (text: string | undefined): string | null => (text === undefined ? null : plainText('format', text));

export interface BackupOptions {
  /** An earlier backup whose files are shared where they are the same. */
  previous?: Path | undefined;
}

export interface ExportOptions extends ImportOptions {
  /** Rows to write; without all. */
  filter?: Filter | undefined;
}

export interface ImportOptions {
  /** 'npy', 'jsonl', 'fvecs', 'fbin' and their like; without it is what the name of the file ends in. */
  format?: string | undefined;
}

export function backupPlan(db: Target, path: Path, options: BackupOptions): Plan<void> {
  const texts = [pathText('path', path), options.previous === undefined ? null : pathText('previous', options.previous)];
  return { name: 'vdb_backup', task: 'progress', args: (task) => [db.handle, ...texts, task], finish: () => undefined };
}

export function exportPlan(db: Target, path: Path, options: ExportOptions): Plan<void> {
  const texts = [pathText('path', path), formatText(options.format)];
  const rule = numberOf(options.filter, 'filter');
  return {
    name: 'vdb_export',
    task: 'progress',
    args: (task) => [db.handle, ...texts, rule, task],
    finish: () => undefined,
  };
}

export function importPlan(db: Target, path: Path, options: ImportOptions): Plan<void> {
  const texts = [pathText('path', path), formatText(options.format)];
  return { name: 'vdb_import', task: 'progress', args: (task) => [db.handle, ...texts, task], finish: () => undefined };
}
