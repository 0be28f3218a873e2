/** How arrays of JavaScript are vectors and ids for the library. Typed arrays are passed as they are, never copied. */

import { invalid } from './error.js';
import { scalar as scalars, type Scalar } from './generated.js';

/**
 * Components of one or more vectors, one after the other. The type of the array is that of the components: Float32Array f32, Int8Array i8, Uint8Array u8,
 * or bits in a database of bits, Uint16Array the bits of f16, or of bf16 in a database of bf16. A plain
 * array of numbers is copied into f32.
 */
export type Components = ArrayBufferView | readonly number[];

/** Ids. A plain array is copied. */
export type Ids = BigUint64Array | readonly (bigint | number)[];

/** What a database stores: what an array means can depend on it. */
export interface Schema {
  readonly dim: number;
  readonly scalar: Scalar;
}

/** A database as plans see it. */
export interface Target extends Schema {
  readonly handle: bigint;
}

export interface Vectors {
  memory: ArrayBufferView;
  count: number;
  dim: number;
  scalar: number;
}

const BITS: Record<Scalar, number> = { f32: 32, f16: 16, bf16: 16, i8: 8, u8: 8, b1: 1 };

/** The type of the components of an array. */
function scalarOf(memory: ArrayBufferView, schema: Schema): Scalar {
  switch (memory.constructor.name) {
    case 'Float32Array':
      return 'f32';
    case 'Float16Array':
      return 'f16';
    case 'Uint16Array':
      return schema.scalar === 'bf16' ? 'bf16' : 'f16';
    case 'Int8Array':
      return 'i8';
    case 'Uint8Array':
    case 'Buffer':
      return schema.scalar === 'b1' ? 'b1' : 'u8';
  }
  throw invalid('VDB_ERR_UNSUPPORTED', `components cannot be in a ${memory.constructor.name}: say which scalar they are, or use a Float32Array`);
}

/** Vectors as the library takes them. Without a count there are as many as fit; an array that is no whole number of vectors is one of another dimension. */
export function toVectors(components: Components, schema: Schema, scalar?: Scalar, count?: number): Vectors {
  const memory = ArrayBuffer.isView(components) ? components : Float32Array.from(components);
  const type = scalar ?? scalarOf(memory, schema);
  if (!(type in BITS)) throw invalid('VDB_ERR_UNSUPPORTED', `scalar is ${String(type)}: one of ${Object.keys(BITS).join(', ')} is needed`);
  const bytes = memory.byteLength;
  const row = Math.ceil((schema.dim * BITS[type]) / 8);
  if (count === undefined) count = bytes % row === 0 ? bytes / row : 1;
  if (bytes === row * count) return { memory, count, dim: schema.dim, scalar: scalars[type] };
  const dim = (bytes * 8) / BITS[type] / count;
  // As many bytes as whole vectors, but for other ids than there are.
  const areOthers = count > 1 && bytes > 0 && bytes % row === 0;
  if (count === 0 || !Number.isInteger(dim) || areOthers) {
    throw invalid('VDB_ERR_DIMENSION', `${bytes} bytes are not ${count} vectors of ${schema.dim} components of ${type}`);
  }
  return { memory, count, dim, scalar: scalars[type] };
}

export function toIds(ids: Ids): BigUint64Array {
  if (ids instanceof BigUint64Array) return ids;
  if (!Array.isArray(ids)) throw invalid('VDB_ERR_INVALID_ARGUMENT', 'ids are a BigUint64Array or an array of bigints or numbers');
  return BigUint64Array.from(ids as readonly (bigint | number)[], (id) => {
    const whole = typeof id === 'bigint' || Number.isSafeInteger(id);
    if (!whole || id < 0 || BigInt(id) > 0xffff_ffff_ffff_ffffn) {
      throw invalid('VDB_ERR_INVALID_ARGUMENT', `${String(id)} is no id: whole numbers from 0 to 2^64 - 2 are, as bigints above 2^53`);
    }
    return BigInt(id);
  });
}
