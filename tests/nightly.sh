#!/bin/sh
# Tests that need a nightly toolchain. Where it, or what it needs, is not installed they are
# skipped, and say so. Each kind keeps its objects apart, below the target directory.
#
#   miri  undefined behaviour, in the parts with `unsafe` or with bytes from outside: tree
#         borrows, strict provenance, data races, leaks. It knows neither SIMD nor
#         mappings: portable kernels and the heap take their place.
#   tsan  data races, in the tests with many threads, the standard library included.
#   asan  memory errors: the C tests, in quick mode, with the engine inside instrumented as
#         they are. (`make test` has them with the C side alone instrumented, and under valgrind.)
kind=$1
cd "$(dirname "$0")/.." || exit 1
target=${CARGO_TARGET_DIR:-target}/$kind
host=$(rustc -vV | sed -n 's/^host: //p')

skip() {
	echo "skipped: $kind: $*"
	exit 0
}

sysroot=$(rustc +nightly --print sysroot 2>/dev/null) || skip 'no nightly toolchain'
[ -d "$sysroot/lib/rustlib/src/rust/library" ] || [ "$kind" = asan ] || skip 'nightly has no rust-src component'

# Compiles fast, runs fast enough, and names lines.
for profile in DEV TEST; do
	export CARGO_PROFILE_${profile}_OPT_LEVEL=1 CARGO_PROFILE_${profile}_DEBUG=line-tables-only
done

case $kind in
miri)
	[ -x "$sysroot/bin/cargo-miri" ] || skip 'nightly has no miri component'
	# Files are real ones, which isolation would refuse. Backtraces take Miri minutes.
	flags='-Zmiri-tree-borrows -Zmiri-strict-provenance -Zmiri-disable-isolation'
	export MIRIFLAGS="$flags" RUST_BACKTRACE=0
	# Not those with many rows, bits, blocks or random cases: Miri is 100 to 1,000 times slower.
	# Not what runs in rayon's pool: crossbeam-epoch turns integers into pointers.
	storage='checksum:: codec:: format:: lock:: manifest::tests::a manifest::tests::generations
		manifest::tests::manifests_of names:: os::tests::appends os::tests::directories os::tests::mapped
		sim::tests::an_ignored sim::tests::calls wal::record::tests::a_record wal::tests::records_of
		wal::tests::an_error'
	skipped='--skip blocks_are_aligned --skip slots_fill --skip agrees_with_a --skip garbage_is_closed
		--skip every_flipped'
	run="cargo +nightly miri test --target-dir $target --lib --"
	# The table of handles lives for ever, and so does what a forked child or a panic leaves
	# behind: those two are not asked for leaks.
	$run arena:: $(printf 'storage::%s ' $storage) capi::args capi::error db::column db::input db::record \
		util::bits $skipped || exit 1
	export MIRIFLAGS="$flags -Zmiri-ignore-leaks"
	exec $run capi::boundary capi::handle $skipped
	;;
tsan)
	export RUSTFLAGS='-Zsanitizer=thread'
	exec cargo +nightly test --target "$host" --target-dir "$target" -Zbuild-std \
		--test concurrent_search_insert --test background_work --test readers --test together
	;;
asan)
	cc=${CC:-cc}
	export RUSTFLAGS='-Zsanitizer=address' VDB_TEST_QUICK=1
	cargo +nightly rustc --lib --crate-type staticlib --target "$host" --target-dir "$target" || exit 1
	"$cc" -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
		-Iinclude c_tests/*.c "$target/$host/debug/libvdb.a" \
		-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc -o "$target/c_tests" || skip "$cc cannot link them"
	exec "$target/c_tests"
	;;
*)
	echo "usage: $0 miri|tsan|asan" >&2
	exit 2
	;;
esac
