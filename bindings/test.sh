#!/bin/sh
# Tests the bindings against build/lib: generated files, test vectors, each language that has a test.sh in its folder,
# and an installation. What a language needs beyond its toolchain is fetched into build/bindings.
#
#   test.sh [LANGUAGE|gen|install ...]    all without one
#
# Each part prints a line `test result:` with its counts, and `skipped: why` for what it cannot do here.
cd "$(dirname "$0")/.." || exit 1
failed=0

# The header's text against what was made of it, and the answers against the oracle.
test_gen() {
	if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
		echo "skipped: generated files of the bindings: no python3 of 3.10 or newer"
		return 0
	fi
	output=$(python3 bindings/gen/test_gen.py 2>&1) && more=$(python3 bindings/testdata/generate.py --check 2>&1)
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

# part NAME COMMAND...
part() {
	name=$1
	shift
	echo "---- $name"
	"$@" || failed=1
}

[ $# -gt 0 ] || set -- gen $(for script in bindings/*/test.sh; do basename "$(dirname "$script")"; done) install
for name; do
	case $name in
	gen) part gen test_gen ;;
	install) part install packaging/test.sh ;;
	*) part "$name" "bindings/$name/test.sh" ;;
	esac
done
exit $failed
