#!/bin/sh
# Builds build/musl/libvdb.a, the static library for programs that are linked with musl and nothing else, where Rust has
# the target for this machine; says `skipped: why` otherwise. The unwinder, which gcc has for glibc alone, is in it.
cd "$(dirname "$0")/.." || exit 1
target=$(uname -m)-unknown-linux-musl
libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null)
unwinder=$libraries/self-contained/libunwind.a
if [ ! -e "$unwinder" ]; then
	echo "skipped: static library for musl: Rust has no target $target here"
	exit 0
fi
"${CARGO:-cargo}" rustc --quiet --release --lib --crate-type staticlib --target "$target" || exit 1
mkdir -p build/musl
# ar warns of each part that has bitcode of an LLVM it does not know, and copies it as it is.
said=$(printf 'CREATE build/musl/whole.a\nADDLIB %s\nADDLIB %s\nSAVE\nEND\n' \
	"${CARGO_TARGET_DIR:-target}/$target/release/libvdb.a" "$unwinder" | "${AR:-ar}" -M 2>&1 &&
	"${STRIP:-strip}" -D --strip-debug -o build/musl/libvdb.a build/musl/whole.a 2>&1) || {
	echo "$said" >&2
	exit 1
}
rm build/musl/whole.a
