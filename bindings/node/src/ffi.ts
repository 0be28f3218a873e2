/**
 * The only module that knows Koffi: how the library is found, loaded and called.
 *
 * Another foreign function interface is put in by writing this file anew: what the others need of it is
 * `native`, `nativeAsync`, `onlyRead`, `searchAt`, `addressOf` and `staticText`. Nothing here knows what a call
 * means, and no function of JavaScript is ever handed to the library: it could be called on a thread
 * that JavaScript does not have.
 */

import { existsSync } from 'node:fs';
import * as koffi from 'koffi';
import { ABI_VERSION, prototypes, type Functions, type Handle, type Memory } from './generated.js';

type Name = keyof Functions;
/** Is told the status of a call on a worker thread when it has ended, or why it could not be made. */
export type Ended = (error: unknown, status: number) => void;

/** On musl there is another build of the library. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  const report = process.report as unknown as { excludeNetwork?: boolean; getReport(): { header: { glibcVersionRuntime?: string } } };
  report.excludeNetwork = true;
  return report.getReport().header.glibcVersionRuntime ? '' : '-musl';
}

const FILES: Partial<Record<NodeJS.Platform, string>> = {
  linux: `libvdb.so.${ABI_VERSION}`,
  darwin: 'libvdb.dylib',
  win32: 'vdb.dll',
};

/** Where the library is: what VDB_LIBRARY says, the package of the platform, or where the system looks. */
function find(): string {
  const named = process.env.VDB_LIBRARY;
  if (named) {
    if (!existsSync(named)) throw new Error(`vdb: VDB_LIBRARY is ${named}, which is not there`);
    return named;
  }
  const file = FILES[process.platform] ?? `libvdb.so.${ABI_VERSION}`;
  try {
    return require.resolve(`@vdb/${process.platform}-${process.arch}${libc()}/${file}`);
  } catch {
    return file;
  }
}

function open(): koffi.LibraryHandle {
  try {
    // Threads of the library's own have 2 MiB of stack; calls on worker threads get no less than half of it.
    koffi.config({ ...koffi.config(), async_stack_size: 1 << 20 });
  } catch {
    // Another package has loaded a library with this Koffi: its settings stay.
  }
  const path = find();
  try {
    return koffi.load(path);
  } catch (cause) {
    throw new Error(
      `vdb: ${path} cannot be loaded. Install the package @vdb/${process.platform}-${process.arch}, or the library ` +
        'where the system finds it, or set VDB_LIBRARY to its path.',
      { cause },
    );
  }
}

const library = open();
const functions = Object.fromEntries(
  Object.entries(prototypes).map(([name, [result, args]]) => [name, library.func(name, result, [...args])]),
) as unknown as Record<Name, koffi.KoffiFunc<(...args: unknown[]) => number>>;

/** The functions of the library. */
export const native = functions as unknown as Functions;

const abi = native.vdb_abi_version();
if (abi !== ABI_VERSION) {
  throw new Error(
    `vdb: libvdb ${native.vdb_version_string()} has ABI ${abi}, this package was made for ${ABI_VERSION}: ` +
      "install the library of the package's version",
  );
}

/** Calls a function on a worker thread. What the arguments point to must stay until it has ended. */
export function nativeAsync(name: Name, args: unknown[], ended: Ended): void {
  try {
    functions[name].async(...args, ended);
  } catch (error) {
    queueMicrotask(() => ended(error, 0));
  }
}

const reads = new Map(
  Object.entries(prototypes).map(([name, [, args]]) => [name, args.map((type: string) => type === 'const void *')]),
);

/** Which arguments of a function are memory that it only reads. */
export const onlyRead = (name: Name): readonly boolean[] => reads.get(name)!;

/** vdb_search with numbers for addresses: several times cheaper to pass than memory. */
export const searchAt = library.func('vdb_search', 'int32_t', [
  'void *', 'void *', 'size_t', 'size_t', 'size_t', 'size_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t',
]) as unknown as (
  db: Handle, queries: Memory, queryCount: number, dim: number, stride: number, k: number,
  params: number, ids: number, distances: number, counts: number, error: number,
) => number;

/** Where memory is, which must be kept by whoever uses the number. */
export const addressOf = (memory: ArrayBufferView): number => Number(koffi.address(memory));

/** A text that lives as long as the library; "" for NULL. */
export const staticText = (address: bigint): string => (address === 0n ? '' : koffi.decode.string(address));
