/** Keys and metadata of several rows: texts back to back, with the places where they begin. */

import { invalid } from './error.js';
import type { Memory } from './generated.js';

/** Text i is the bytes from offsets[i] up to offsets[i + 1], UTF-8. */
export interface Texts {
  bytes: Uint8Array;
  offsets: BigUint64Array;
}

/** One text for each row; an empty one, null or undefined is none. */
export type Keys = Texts | readonly (string | null | undefined)[];
/** One JSON object for each row, or its text; null or undefined is none. */
export type Metadata = Texts | readonly (object | string | null | undefined)[];

const isTexts = (value: object): value is Texts => 'bytes' in value && 'offsets' in value;

/** Texts as the library takes them; null for none at all, which is not the same as empty ones. */
export function toTexts(what: string, given: Keys | Metadata | undefined, count?: number): Texts | null {
  if (given === undefined) return null;
  if (typeof given !== 'object' || given === null || (!isTexts(given) && !Array.isArray(given))) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} are an array with one for each row, also for a single row`);
  }
  const texts = isTexts(given) ? given : join(what, given);
  const rows = count ?? texts.offsets.length - 1;
  if (texts.offsets.length !== rows + 1) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${texts.offsets.length - 1} ${what} for ${rows} rows`);
  }
  if (texts.offsets[rows]! > BigInt(texts.bytes.length)) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} end at byte ${texts.offsets[rows]} of ${texts.bytes.length}`);
  }
  return texts;
}

function join(what: string, list: readonly (object | string | null | undefined)[]): Texts {
  const parts = list.map((item, i) => {
    if (item === null || item === undefined) return '';
    if (typeof item === 'string') return item;
    if (typeof item !== 'object') throw invalid('VDB_ERR_INVALID_ARGUMENT', `${what} of row ${i} is a ${typeof item}`);
    return JSON.stringify(item);
  });
  const offsets = new BigUint64Array(parts.length + 1);
  let end = 0;
  parts.forEach((part, i) => {
    end += Buffer.byteLength(part);
    offsets[i + 1] = BigInt(end);
  });
  return { bytes: Buffer.from(parts.join('')), offsets };
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

/** UTF-8 as the library takes it, with its length in bytes; a text that is no Unicode is an error there. */
export function utf8(text: string): [Uint8Array, number] {
  const bytes = Buffer.from(text);
  return [bytes.length > 0 ? bytes : nothing, bytes.length];
}
