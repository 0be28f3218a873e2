/** How arrays of JavaScript are vectors and ids for the library. Typed arrays are passed as they are, never copied. */

import { described, invalid } from './error.js';
import { scalar as scalars, type Scalar } from './generated.js';

/** A Float16Array: not every lib of TypeScript has it. */
export interface Float16Components extends ArrayBufferView {
  readonly [Symbol.toStringTag]: 'Float16Array';
}

/** Arrays whose type says what their components are; a Uint8Array can hold the bytes of any scalar. */
export type ComponentArray = Float32Array | Float16Components | Uint16Array | Int8Array | Uint8Array;

/**
 * Components of one or more vectors, one after the other. The type of the array is that of the components: Float32Array f32, Int8Array i8, Uint8Array u8,
 * or bits in a database of bits, Uint16Array the bits of f16, or of bf16 in a database of bf16. A plain
 * array of numbers is copied into f32.
 */
export type Components = ComponentArray | readonly number[];

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

/** What the components in an array can be. Where nothing is said it is one of the first two: what the database stores, else the first. */
const HOLDS: Record<string, readonly Scalar[]> = {
  Float32Array: ['f32'],
  Float16Array: ['f16'],
  Uint16Array: ['f16', 'bf16'],
  Int8Array: ['i8'],
  Uint8Array: ['u8', 'b1', 'f32', 'f16', 'bf16', 'i8'],
};

/** The type of an array, of a subclass too; 'DataView' of such. */
export const kindOf = (memory: unknown): string | undefined =>
  ArrayBuffer.isView(memory) ? (memory as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag] : undefined;

/** The array, unless its memory was transferred: it would be as one that is empty. */
export function attached<T extends ArrayBufferView>(what: string, memory: T): T {
  if (memory.byteLength > 0) return memory;
  try {
    new Uint8Array(memory.buffer);
  } catch {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `the memory of ${what} was transferred: nothing is left in the array`);
  }
  return memory;
}

/** The type of the components of an array, which may have been said. */
function scalarOf(memory: ArrayBufferView, schema: Schema, said: Scalar | undefined): Scalar {
  const kind = kindOf(memory)!;
  const can = HOLDS[kind];
  if (!can) throw invalid('VDB_ERR_UNSUPPORTED', `components cannot be in ${described(memory)}: Float32Array.from() makes them f32`);
  if (said === undefined) {
    return can.slice(0, 2).includes(schema.scalar) ? schema.scalar : can[0]!;
  }
  if (!(said in BITS)) throw invalid('VDB_ERR_UNSUPPORTED', `scalar is ${String(said)}: one of ${Object.keys(BITS).join(', ')} is needed`);
  if (!can.includes(said)) throw invalid('VDB_ERR_UNSUPPORTED', `components of ${said} cannot be in ${described(memory)}: scalar says what is in it, and converts nothing`);
  return said;
}

/** Numbers as f32. */
function numbers(components: readonly number[]): Float32Array {
  if (!Array.isArray(components)) {
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `vectors are ${described(components)}: a typed array, or an array of numbers, is needed`);
  }
  for (let i = 0; i < components.length; i++) {
    if (typeof components[i] === 'number') continue;
    throw invalid('VDB_ERR_INVALID_ARGUMENT', `component ${i} is ${described(components[i])}: vectors are numbers, all in one array`);
  }
  return Float32Array.from(components);
}

/** Vectors as the library takes them. Without a count there are as many as fit; an array that is no whole number of vectors is one of another dimension. */
export function toVectors(components: Components | ArrayBufferView, schema: Schema, said?: Scalar, count?: number): Vectors {
  const memory = ArrayBuffer.isView(components) ? attached('vectors', components) : numbers(components);
  const type = scalarOf(memory, schema, said);
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
  if (kindOf(ids) === 'BigUint64Array') return attached('ids', ids as BigUint64Array);
  if (!Array.isArray(ids)) throw invalid('VDB_ERR_INVALID_ARGUMENT', `ids are ${described(ids)}: a BigUint64Array or an array of bigints or numbers is needed`);
  return BigUint64Array.from(ids as readonly (bigint | number)[], (id, row) => {
    const whole = typeof id === 'bigint' || Number.isSafeInteger(id);
    if (!whole || id < 0 || BigInt(id) > 0xffff_ffff_ffff_ffffn) {
      throw invalid('VDB_ERR_INVALID_ARGUMENT', `${String(id)} is no id: whole numbers from 0 to 2^64 - 2 are, as bigints above 2^53`, row);
    }
    return BigInt(id);
  });
}
