#!/bin/sh
# Tests of the Swift package: the tests and test vectors, the example, and the manual's code as a package that uses this one. Needs
# build/lib, and swift or what `make test-swift` installs. What is compiled is kept in build/bindings/swift.
#
#   test.sh [options of swift test]    e.g. --filter ReplayTests
#
# VDB_SWIFT_CONFIGURATIONS is what is tested: "release" without it, since optimised code gives objects back earlier than other code
# does, or "debug release", which takes twice the time. The manual's code is always compiled as debug code.
cd "$(dirname "$0")" || exit 1
root=$(cd ../.. && pwd)
if ! why=$(./toolchain.sh check); then
	echo "skipped: Swift: $why"
	exit 0
fi
place=$root/build/bindings/swift
output=$place/output
mkdir -p "$place"
printf 'Name: vdb\nDescription: build/lib\nVersion: 0\nLibs: -L%s/build/lib -lvdb\nCflags: -I%s/include\n' "$root" "$root" >"$place/vdb.pc"
export PKG_CONFIG_PATH="$place" LD_LIBRARY_PATH="$root/build/lib"
passed=0 failed=0

swift() { ./toolchain.sh run "$root" swift "$@"; }

case $(swift --version 2>/dev/null) in
*"Swift version "[1-5].*)
	echo "skipped: Swift: $(swift --version 2>/dev/null | sed -n '/Swift version/{p;q;}') is older than 6"
	exit 0
	;;
esac

# check WHAT COMMAND...
check() {
	what=$1
	shift
	if "$@" >"$output" 2>&1; then
		passed=$((passed + 1))
		return 0
	fi
	failed=$((failed + 1))
	cat "$output"
	echo "test swift ($what) ... FAILED"
	return 1
}

# package COMMAND OPTIONS...: a command of swift about this package, always with the same options, so that nothing is compiled twice.
package() {
	command=$1
	shift
	swift "$command" -c "$configuration" --scratch-path "$place/build" -Xswiftc -warnings-as-errors -Xswiftc -enable-testing "$@"
}

for configuration in ${VDB_SWIFT_CONFIGURATIONS:-release}; do
	check "compiled for $configuration" package build --build-tests || continue
	package test --skip-build "$@" >"$output" 2>&1
	status=$?
	ok=$(grep -c "^Test Case '.*' passed" "$output") bad=$(grep -c "^Test Case '.*' failed" "$output")
	if [ $status -ne 0 ]; then
		[ "$bad" -gt 0 ] || bad=1
		grep -v "^Test Case '.*' \(passed\|started\)\|^Test Suite\|^\[" "$output"
		echo "test swift ($configuration) ... FAILED"
	fi
	sed -n "s/^.*: \([^ ]*\) : Test skipped/skipped: Swift: \1/p" "$output"
	passed=$((passed + ok)) failed=$((failed + bad))
done

example() {
	./toolchain.sh run "$root" "$place/build/$configuration/vdb-search" "$root/data/wordnet" &&
		grep -q '^5000 of 5000 rows are in' "$output" && grep -q '^   0.270  drizzle' "$output" &&
		[ "$(grep -c '^\(recall@10 of 100 questions\|asked of the database itself\): \(0.9[7-9]\|1.0\)' "$output")" -eq 2 ]
}
check example example
lost_example() {
	./toolchain.sh run "$root" "$place/build/$configuration/vdb-search" /nowhere
	[ $? -eq 1 ] && grep -q '^/nowhere has no base.npy' "$output"
}
check "the example without its data" lost_example
check "the example is short" [ "$(wc -l <Examples/Search/main.swift)" -lt 60 ]

# The listings of the manual: a package, its program, and pieces of programs, each of which is compiled in a function.
listing() { awk -v n="$1" '/^```swift$/ { at++; next } /^```$/ { if (at == n) exit } at == n' "$root/docs/swift.md"; }
pieces() {
	printf 'import VDB\nstruct Album: Codable {\n    var year: Int\n    var genre: String\n}\n'
	at=3
	while [ -n "$(listing $at)" ]; do
		echo "func piece$at(_ db: Database, rows: [Float], vectors: [Float], query: [Float], queries: Vectors) async throws {"
		listing $at
		echo "}"
		at=$((at + 1))
	done
}
quick_start() {
	package=$place/quickstart
	rm -rf "$package/Sources" "$package/quickstart.vdb" && mkdir -p "$package/Sources/quickstart" || return 1
	listing 1 | sed "s|/path/to/vdb|$root|" >"$package/Package.swift"
	listing 2 >"$package/Sources/quickstart/main.swift"
	pieces >"$package/Sources/quickstart/pieces.swift"
	swift build --package-path "$package" -Xswiftc -warnings-as-errors || return 1
	(cd "$package" && ../../../../bindings/swift/toolchain.sh run "$root" .build/debug/quickstart >said 2>&1)
	cat "$package/said"
	printf 'row 10, distance 0.019\nrow 30, distance 0.168\n' | diff - "$package/said"
}
check "the manual" quick_start
if swift format --version >/dev/null 2>&1; then
	check formatted swift format lint --strict --recursive Package.swift Sources Tests Examples
else
	echo "skipped: Swift: no swift format here"
fi

verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ $failed -eq 0 ]
