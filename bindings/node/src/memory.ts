/** Memory that the library reads and writes: structs by their layouts, and room for the results of searches. */

import { markAsUntransferable } from 'node:worker_threads';
import { addressOf } from './ffi.js';
import { layouts } from './generated.js';

type Layouts = typeof layouts;
type StructName = keyof Layouts;
type FieldName<S extends StructName> = keyof Layouts[S]['fields'] & string;

/** The name of a value of an enum. */
export const nameOf = <T extends string>(names: Record<T, number>, number: number): T =>
  (Object.keys(names) as T[]).find((name) => names[name] === number)!;

/** A struct of C. Its struct_size is set. */
export class Struct<S extends StructName> {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fields: Record<string, readonly [number, string]>;

  constructor(readonly name: S) {
    const layout = layouts[name];
    this.bytes = new Uint8Array(layout.size);
    this.#view = new DataView(this.bytes.buffer);
    this.#fields = layout.fields;
    this.#view.setUint32(0, layout.size, true);
  }

  /** All zero, but for struct_size. */
  clear(): void {
    this.bytes.fill(0, 4);
  }

  set(field: FieldName<S>, value: number | bigint): void {
    const [at, kind] = this.#fields[field]!;
    if (kind === 'u64') this.#view.setBigUint64(at, BigInt(value), true);
    else if (kind === 'f32') this.#view.setFloat32(at, Number(value), true);
    else if (kind === 'f64') this.#view.setFloat64(at, Number(value), true);
    else this.#view.setUint32(at, Number(value), true);
  }

  big(field: FieldName<S>): bigint {
    return this.#view.getBigUint64(this.#fields[field]![0], true);
  }

  /** A number; null for UINT64_MAX. */
  number(field: FieldName<S>): number | null {
    const [at, kind] = this.#fields[field]!;
    if (kind === 'u32') return this.#view.getUint32(at, true);
    if (kind === 'i32') return this.#view.getInt32(at, true);
    if (kind === 'f32') return this.#view.getFloat32(at, true);
    if (kind === 'f64') return this.#view.getFloat64(at, true);
    const value = this.#view.getBigUint64(at, true);
    return value === 0xffff_ffff_ffff_ffffn ? null : Number(value);
  }

  /** A text in the struct, up to its NUL. */
  text(field: FieldName<S>): string {
    const at = this.#fields[field]![0];
    const end = this.bytes.indexOf(0, at);
    return Buffer.from(this.bytes.buffer, at, (end < 0 ? this.bytes.length : end) - at).toString('utf8');
  }

  /** All numbers, but struct_size. */
  numbers(): Record<string, number | null> {
    const names = Object.keys(this.#fields) as FieldName<S>[];
    return Object.fromEntries(names.filter((name) => name !== 'structSize').map((name) => [name, this.number(name)]));
  }
}

/** Where some results lie. */
export interface Place {
  buffer: ArrayBuffer;
  /** Offset in the buffer, a multiple of 8. */
  at: number;
  /** Address of that offset. */
  address: number;
}

const SLAB = 16 * 1024;

let slab = new ArrayBuffer(0);
let slabAddress = 0;
let used = 0;

/**
 * Room for results, in a buffer that small results share: a buffer of its own costs more than a small search. Like the pool of
 * Buffer it is not transferred, since that would take it from under the others; if somebody does it all the same, its length is
 * 0 and there is a new one.
 */
export function room(bytes: number): Place {
  const needed = (bytes + 7) & ~7;
  if (bytes > SLAB / 4) {
    const buffer = new ArrayBuffer(bytes);
    return { buffer, at: 0, address: addressOf(new Uint8Array(buffer)) };
  }
  if (used + needed > slab.byteLength) {
    slab = new ArrayBuffer(SLAB);
    markAsUntransferable(slab);
    slabAddress = addressOf(new Uint8Array(slab));
    used = 0;
  }
  const at = used;
  used += needed;
  return { buffer: slab, at, address: slabAddress + at };
}
