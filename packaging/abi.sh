#!/bin/sh
# The guard of the binary interface: what programs have compiled in does not change unless somebody means it to.
#
#   abi.sh          compares include/vdb.h with packaging/abi/vdb-N.abi, N being VDB_ABI_VERSION, and then changes
#                   the header in ways that must be noticed
#   abi.sh bless    writes packaging/abi/vdb-N.abi anew
#
# The header stands for the library, which would have to be built with debug information: tests/header.rs holds it to
# src/capi, tests/c_harness.rs to the functions that the library exports. Needs python3 of 3.10 or newer and abidw and abidiff (abigail-tools).
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
abi=$(sed -n 's/^#define VDB_ABI_VERSION //p' include/vdb.h)
baseline=packaging/abi/vdb-$abi.abi

# interface FOLDER OUTPUT: a library that has the interface of FOLDER/vdb.h and nothing else.
interface() {
	python3 packaging/abi/definitions.py "$1/vdb.h" >"$work/definitions.c" &&
		$CC -g -O0 -fPIC -shared -Wno-overflow -I"$1" -Wl,-soname,"libvdb.so.$abi" "$work/definitions.c" -o "$2"
}

# result NAME STATUS: counts, and shows the output where it failed.
result() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "test abi/$1 ... ok"
	else
		failed=$((failed + 1))
		cat "$work/output"
		echo "test abi/$1 ... FAILED"
	fi
}

# unchanged LIBRARY: fails for any difference, with what to do about it. abidiff's 8 is that of a removed function, 1 and 2
# say that it could not compare.
unchanged() {
	abidiff --no-architecture --no-show-locs --harmless "$baseline" "$1"
	case $? in
	0) return 0 ;;
	4) echo "The interface is not that of $baseline. Where functions, enum values, macros or last fields of structs were added:" \
		"\`make abi\`. Anything else breaks programs that are compiled, and needs a new VDB_ABI_VERSION." ;;
	*) echo "A function is gone, or $baseline could not be compared. The former needs a new VDB_ABI_VERSION." ;;
	esac
	return 1
}

# noticed NAME SED-COMMAND: the guard fails for a header that was changed so.
noticed() {
	rm -rf "$work/changed" && mkdir "$work/changed"
	sed "$2" include/vdb.h >"$work/changed/vdb.h"
	echo "it does not compile, or was not changed: $2" >"$work/output"
	! cmp -s include/vdb.h "$work/changed/vdb.h" && interface "$work/changed" "$work/changed.so" >>"$work/output" 2>&1 &&
		! unchanged "$work/changed.so" >"$work/output" 2>&1
	result "notices_$1" $?
}

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
	echo "skipped: binary interface: no python3 of 3.10 or newer"
elif ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
	echo "skipped: binary interface: no abidw and abidiff (abigail-tools)"
else
	interface include "$work/now.so" || exit 1
	if [ "${1:-}" = bless ]; then
		abidw --no-architecture --no-comp-dir-path --no-corpus-path --no-show-locs --no-elf-needed --no-parameter-names \
			--out-file "$baseline" "$work/now.so" || exit 1
		echo "wrote $baseline"
	fi
	unchanged "$work/now.so" >"$work/output" 2>&1
	result unchanged $?
	noticed removed_function '/^vdb_status_t vdb_sync(/,/;$/d'
	noticed added_function 's/^uint32_t vdb_abi_version(void);/&\nuint32_t vdb_abi_version_2(void);/'
	noticed changed_argument '/^vdb_status_t vdb_insert_batch(/,/;$/s/size_t dim/uint32_t dim/'
	noticed moved_field '/^typedef struct vdb_search_params_t/,/^}/s/uint32_t ef;/uint64_t ef;/'
	noticed wider_alias 's/^typedef uint32_t vdb_scalar_t;/typedef uint64_t vdb_scalar_t;/'
	noticed added_enum_value 's/^  VDB_METRIC_JACCARD = 6,/&\n  VDB_METRIC_NEXT = 7,/'
	noticed enum_number 's/VDB_METRIC_COSINE = 3/VDB_METRIC_COSINE = 9/'
	noticed macro 's/^#define VDB_KEY_MAX 512/#define VDB_KEY_MAX 513/'
fi

verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ $failed -eq 0 ]
