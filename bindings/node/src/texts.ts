/** Keys and metadata of several rows: texts back to back, with the places where they begin. */

import { described, invalid, VdbError } from './error.js';
import type { Memory } from './generated.js';
import { attached, kindOf } from './vectors.js';

/** Text i is the bytes from offsets[i] up to offsets[i + 1], UTF-8. */
export interface Texts {
  bytes: Uint8Array;
  offsets: BigUint64Array;
}

/** One text for each row; an empty one, null or undefined is none. */
export type Keys = Texts | readonly (string | null | undefined)[];
/** Lists and functions have what is not here. */
interface Plain {
  readonly [Symbol.iterator]?: never;
  readonly [Symbol.hasInstance]?: never;
}
/** An object for JSON: neither a list nor a function. */
export type MetaObject = Plain & (object | { readonly [name: string]: unknown });
/** One JSON object for each row, or its text; null or undefined is none. */
export type Metadata = Texts | readonly (MetaObject | string | null | undefined)[];

const isTexts = (value: object): value is Texts => 'bytes' in value && 'offsets' in value;

/** Texts as the library takes them; null for none at all, which is not the same as empty ones. */
export function toTexts(what: string, given: Keys | Metadata | undefined, count?: number): Texts | null {
  if (given === undefined) return null;
  if (typeof given !== 'object' || given === null || (!isTexts(given) && !Array.isArray(given))) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} are an array with one for each row, also for a single row`);
  }
  const texts = isTexts(given) ? sound(what, given) : join(what, given);
  const rows = count ?? texts.offsets.length - 1;
  if (texts.offsets.length !== rows + 1) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${texts.offsets.length - 1} ${what} for ${rows} rows`);
  }
  if (texts.offsets[rows]! > BigInt(texts.bytes.length)) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} end at byte ${texts.offsets[rows]} of ${texts.bytes.length}`);
  }
  return texts;
}

/** The same where they must be given. */
export function textsNeeded(what: string, given: Keys | Metadata, count?: number): Texts {
  const texts = toTexts(what, given, count);
  if (!texts) throw invalid('VDB_ERR_NULL_ARGUMENT', `${what} are needed: an array with one for each row`);
  return texts;
}

/** The arrays that the library is to read, if they are such. */
function sound(what: string, { bytes, offsets }: Texts): Texts {
  if (kindOf(bytes) !== 'Uint8Array' || kindOf(offsets) !== 'BigUint64Array' || offsets.length === 0) {
    throw invalid(
      'VDB_ERR_INVALID_ARGUMENT',
      `${what} are bytes and offsets in ${described(bytes)} and ${described(offsets)}: a Uint8Array and a BigUint64Array, of one more than there are texts, are needed`,
    );
  }
  return { bytes: attached(what, bytes), offsets: attached(what, offsets) };
}

function join(what: string, list: readonly (object | string | null | undefined)[]): Texts {
  const parts = Array.from(list, (item, i) => partOf(what, item, i));
  const offsets = new BigUint64Array(parts.length + 1);
  let end = 0;
  parts.forEach((part, i) => {
    end += Buffer.byteLength(part);
    offsets[i + 1] = BigInt(end);
  });
  return { bytes: Buffer.from(parts.join('')), offsets };
}

/** The text of one row. */
function partOf(what: string, item: unknown, row: number): string {
  if (item === null || item === undefined) return '';
  if (typeof item === 'string') return unicode(`${what} of row ${row}`, item, row);
  if (typeof item !== 'object' || what === 'keys') {
    const needed = what === 'keys' ? 'a text' : 'an object, or its text in JSON,';
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} of row ${row} is ${described(item)}: ${needed} is needed`, row);
  }
  return json(`${what} of row ${row}`, item, row);
}

/** A value as JSON. What has none, as a bigint inside, is an error. */
export function json(what: string, value: unknown, item: number | null = null): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (cause) {
    const why = (cause as Error).message.split('\n')[0];
    throw new VdbError('VDB_ERR_INVALID_ARGUMENT', `${what} is no JSON: ${why}; its text can be given instead`, { item, cause });
  }
  if (text === undefined) throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} is ${described(value)}, of which there is no JSON`, item);
  return text;
}

/** A text that is Unicode: in UTF-8 half of a surrogate pair would be another character, and be the same as others of its kind. */
export function unicode(what: string, text: string, item: number | null = null): string {
  if (text.isWellFormed()) return text;
  throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} is no Unicode: half of a surrogate pair is in ${JSON.stringify(text)}`, item);
}

// Where texts lie that are all empty: an empty array has no address.
const nothing = new Uint8Array(1);

/** The two arguments for texts. */
export function textArguments(texts: Texts | null): [Memory, Memory] {
  if (!texts) return [null, null];
  return [texts.bytes.length > 0 ? texts.bytes : nothing, texts.offsets];
}

/** The text of row i. */
export function textAt(texts: Texts, i: number): string {
  const { bytes, offsets } = texts;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', Number(offsets[i]), Number(offsets[i + 1]));
}

export const textList = (texts: Texts): string[] =>
  Array.from({ length: texts.offsets.length - 1 }, (_, i) => textAt(texts, i));

/** UTF-8 as the library takes it, with its length in bytes. */
export function utf8(what: string, text: string): [Uint8Array, number] {
  if (typeof text !== 'string') throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} is ${described(text)}: a text is needed`);
  const bytes = Buffer.from(unicode(what, text));
  return [bytes.length > 0 ? bytes : nothing, bytes.length];
}
