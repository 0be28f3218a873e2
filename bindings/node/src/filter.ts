import { OutU64, run } from './call.js';
import { described, invalid } from './error.js';
import { Owner } from './handle.js';
import { utf8 } from './texts.js';
import { toIds, type Ids } from './vectors.js';

/** What a parameter of a filter stands for. */
export type FilterValue = string | number | bigint | boolean;

/** Values as JSON, where a bigint is a number with all its digits. */
function valueText(value: FilterValue | readonly FilterValue[] | readonly (FilterValue | readonly FilterValue[])[], at = ''): string {
  if (Array.isArray(value)) return `[${value.map((one: FilterValue, i) => valueText(one, at || `$${i + 1}`)).join()}]`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return JSON.stringify(value);
  throw invalid('VDB_ERR_INVALID_ARGUMENT', `${at} is ${described(value)}: a text, a number, a boolean, or after "in" an array of them, is needed`);
}

/**
 * Says which rows a search may return. Make one and use it often: it remembers what it found out about rows.
 */
export class Filter extends Owner {
  private constructor(handle: bigint) {
    super(handle, 'filter');
  }

  /** Only these rows pass. */
  static allow(ids: Ids): Filter {
    return Filter.#ids(ids, 1);
  }

  /** All rows but these pass. */
  static deny(ids: Ids): Filter {
    return Filter.#ids(ids, 0);
  }

  static #ids(ids: Ids, allow: number): Filter {
    const list = toIds(ids);
    const out = new OutU64();
    return run({
      name: 'vdb_filter_ids',
      args: () => [list, list.length, allow, out.memory],
      finish: () => new Filter(out.value),
    });
  }

  /**
   * A condition on metadata, such as `year >= 1990 and genre in ('jazz', 'soul')`; docs/filters.md describes the language. A text
   * with parameters ($1, $2, ...) needs values before it is used, see bind(). The item of a VDB_ERR_FILTER_SYNTAX is the byte
   * where it shows.
   */
  static parse(text: string): Filter {
    const [bytes, length] = utf8('filter', text);
    const out = new OutU64();
    return run({ name: 'vdb_filter_parse', args: () => [bytes, length, out.memory], finish: () => new Filter(out.value) });
  }

  /**
   * A filter with values for the parameters, the first for $1: texts, numbers and booleans; after `in` also arrays of these. Any
   * number of filters can be made out of one.
   */
  bind(...values: (FilterValue | readonly FilterValue[])[]): Filter {
    const [bytes, length] = utf8('values', valueText(values));
    const out = new OutU64();
    return run({
      name: 'vdb_filter_bind',
      args: () => [this.handle, bytes, length, out.memory],
      finish: () => new Filter(out.value),
    });
  }

  /** Gives the filter back; calls that use it go on. Closing it again does nothing. */
  close(): void {
    this.free();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
