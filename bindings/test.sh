#!/bin/sh
# Tests the bindings against build/lib: generated files, test vectors, the binary interface, each language that has a test.sh in
# its folder, an installation, the packages of a release, and whether all languages said the same. What a language needs beyond
# its toolchain is fetched into build/bindings.
#
#   test.sh [LANGUAGE|gen|abi|install|dist ...]    all without one
#
# Each part prints a line `test result:` with its counts, and `skipped: why` for what it cannot do here.
cd "$(dirname "$0")/.." || exit 1
failed=0 replayed=

# Where each language leaves features-NAME.json and transcript-NAME.txt (bindings/gen/features.py).
export VDB_REPLAY_OUT="$PWD/build/bindings"
mkdir -p "$VDB_REPLAY_OUT"
rm -f "$VDB_REPLAY_OUT"/features-*.json "$VDB_REPLAY_OUT"/transcript-*.txt

have_python() {
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && return
	echo "skipped: $1: no python3 of 3.10 or newer"
	return 1
}

# The header's text against what was made of it, and the answers against the oracle.
test_gen() {
	have_python "generated files of the bindings" || return 0
	output=$(python3 -m unittest discover -s bindings/gen 2>&1) && more=$(python3 bindings/testdata/generate.py --check 2>&1)
	status=$?
	ran=$(echo "$output" | sed -n 's/^Ran \([0-9]*\) tests.*/\1/p')
	if [ $status -eq 0 ]; then
		echo "test result: ok. $((ran + 1)) passed; 0 failed; 0 ignored"
		return 0
	fi
	echo "$output"
	echo "$more"
	echo "test bindings/gen ... FAILED"
	echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
	return 1
}

# What the languages left: one transcript, and the table in README.md.
test_agreement() {
	have_python "the table of features in README.md" || return 0
	if output=$(python3 bindings/gen/features.py --check 2>&1); then
		echo "$output"
		echo "test result: ok. 1 passed; 0 failed; 0 ignored"
		return 0
	fi
	echo "$output"
	echo "test bindings/features ... FAILED"
	echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
	return 1
}

# part NAME COMMAND...
part() {
	name=$1
	shift
	echo "---- $name"
	"$@" || failed=1
}

[ $# -gt 0 ] || set -- gen abi $(for script in bindings/*/test.sh; do basename "$(dirname "$script")"; done) install dist
for name; do
	case $name in
	gen) part gen test_gen ;;
	abi) part abi packaging/abi.sh ;;
	install) part install packaging/test.sh ;;
	dist) part dist packaging/test_dist.sh ;;
	*) part "$name" "bindings/$name/test.sh" && replayed=1 ;;
	esac
done
[ -z "$replayed" ] || part agreement test_agreement
exit $failed
