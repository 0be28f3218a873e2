/** Options of a database by their names in JavaScript, and the table that the library has of them. */

import { fileURLToPath } from 'node:url';
import { described, invalid, ErrorRecord } from './error.js';
import { OutU64, run } from './call.js';
import { native, staticText } from './ffi.js';
import { optionFlag, optionNumbers, optionType, status as statuses, type Handle, type Options } from './generated.js';
import { Struct } from './memory.js';
import { unicode } from './texts.js';

/** One line of the table of options. */
export interface OptionInfo {
  id: number;
  /** Name of the option in JavaScript, e.g. 'efSearch'. */
  key: string;
  /** Name that configuration files have, e.g. 'hnsw.ef_search'. */
  name: string;
  help: string;
  type: 'u64' | 'f64' | 'enum' | 'text';
  /** Fixed when the database is created. */
  schema: boolean;
  /** The values of an enum. */
  values: Record<string, number>;
  default: number;
  /** Of a text that of its length in bytes, as the next one. */
  min: number;
  max: number;
}

let table: OptionInfo[] | undefined;

/** All options of the library. */
export function optionTable(): readonly OptionInfo[] {
  if (table) return table;
  const keys = new Map<number, string>(Object.entries(optionNumbers).map(([key, id]) => [id, key]));
  const types = Object.fromEntries(Object.entries(optionType).map(([name, number]) => [number, name]));
  const rows: OptionInfo[] = [];
  const record = new ErrorRecord();
  for (let index = 0; ; index++) {
    const info = new Struct('OptionInfo');
    const status = native.vdb_option_at(index, info.bytes, record.bytes);
    if (status < 0) throw record.error(status);
    if (status === statuses.VDB_DONE) break;
    const id = info.number('id')!;
    const values = staticText(info.big('values')).split(' ').filter(Boolean).map((pair) => pair.split('='));
    rows.push({
      id,
      key: keys.get(id) ?? '',
      name: staticText(info.big('name')),
      help: staticText(info.big('help')),
      type: types[info.number('valueType')!] as OptionInfo['type'],
      schema: (info.number('flags')! & optionFlag.schema) !== 0,
      values: Object.fromEntries(values.map(([name, number]) => [name!, Number(number)])),
      default: info.number('defaultValue')!,
      min: info.number('minValue')!,
      max: info.number('maxValue')!,
    });
  }
  return (table = rows);
}

/** The option of a key or a full name. */
export function optionNamed(name: string): OptionInfo {
  const info = optionTable().find((option) => option.key === name || option.name === name);
  if (!info) throw invalid('VDB_ERR_UNKNOWN_OPTION', `there is no option ${name}`);
  return info;
}

/** A text as C takes it: it would end at a NUL. */
export function plainText(what: string, text: string): string {
  if (typeof text !== 'string') throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} is ${described(text)}: a text is needed`);
  if (text.includes('\0')) throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} ${JSON.stringify(text)} has a NUL in it`);
  return unicode(what, text);
}

/** A path: a text, or a URL of a file. */
export type Path = string | URL;

export function pathText(what: string, path: Path): string {
  if (path instanceof URL) return plainText(what, fileURLToPath(path));
  if (typeof path === 'string') return plainText(what, path);
  throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} is ${described(path)}: a text or a file: URL is needed`);
}

/** The options in the library, null for none. The call that they are for gives them back. */
export function optionSet(options: Options | undefined): Handle {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new TypeError(`options are ${described(options)}: an object is needed, such as { dim: 4 }`);
  }
  return options && Object.keys(options).length > 0 ? makeOptions(options) : null;
}

function makeOptions(options: Options): bigint {
  const out = new OutU64();
  run({ name: 'vdb_options_new', args: () => [out.memory], finish: () => undefined });
  try {
    for (const [key, value] of Object.entries(options)) {
      if (value !== undefined) setOption(out.value, key, value);
    }
  } catch (error) {
    native.vdb_options_free(out.value);
    throw error;
  }
  return out.value;
}

/** By text, as the library reads configuration files: it knows the types, and the closest names of one that it does not know. */
function setOption(set: bigint, key: string, value: unknown): void {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `option ${key} is ${String(value)}: a number, a text or a boolean is needed`);
  }
  const name = optionTable().find((option) => option.key === key)?.name ?? plainText('option', key);
  const text = typeof value === 'boolean' ? (value ? 'on' : 'off') : plainText('value', String(value));
  run({ name: 'vdb_options_set_text', args: () => [set, name, text], finish: () => undefined });
}
