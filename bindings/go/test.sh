#!/bin/sh
# Tests of the Go package: the tests, test vectors and examples, under the race detector, with garbage collected before every call,
# and linked with the shared library that pkg-config finds. Needs build/lib. What go caches is in build/bindings.
cd "$(dirname "$0")" || exit 1
root=$(cd ../.. && pwd)
if ! command -v go >/dev/null; then
	echo "skipped: Go: no go"
	exit 0
fi
export GOCACHE="$root/build/bindings/go-cache" GOTOOLCHAIN=local GOFLAGS=-mod=mod CGO_ENABLED=1
# The version of go.mod is the oldest that has what the package needs.
if ! go list . >/dev/null 2>&1; then
	echo "skipped: Go: $(go version) is older than go.mod asks for"
	exit 0
fi
# What `make go-lib` does.
static=lib/$(go env GOOS)-$(go env GOARCH)
mkdir -p "$static" && strip --strip-debug -o "$static/libvdb.a" "$root/build/lib/libvdb.a" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# run WHAT PACKAGES GO-TEST-OPTIONS...: counts the tests, and shows the output where one failed.
run() {
	what=$1 packages=$2
	shift 2
	go test -count=1 -v "$@" "$packages" >"$work/output" 2>&1
	status=$?
	ok=$(grep -c '^ *--- PASS' "$work/output") bad=$(grep -c '^ *--- FAIL' "$work/output")
	if [ $status -ne 0 ]; then
		[ "$bad" -gt 0 ] || bad=1
		grep -v '^ *--- PASS\|^=== ' "$work/output"
		echo "test go ($what) ... FAILED"
	fi
	grep '^ *--- SKIP' "$work/output" | sed 's/^ *--- SKIP: \([^ ]*\).*/skipped: Go: \1/'
	passed=$((passed + ok)) failed=$((failed + bad))
}

# check WHAT COMMAND...
check() {
	what=$1
	shift
	if ("$@") >"$work/output" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$work/output"
		echo "test go ($what) ... FAILED"
	fi
}

check vet go vet ./...
check formatted sh -c 'test -z "$(gofmt -l .)" || { gofmt -d .; exit 1; }'
# The quick start of the manual, as it stands there.
quick_start() {
	awk '/^```go$/ { n++; next } /^```$/ { if (n == 1) exit } n == 1' "$root/docs/go.md" >"$work/quickstart.go" &&
		go build -o "$work/quickstart" "$work/quickstart.go" && cd "$work" && ./quickstart >out &&
		printf 'row 10, distance 0.019\nrow 30, distance 0.168\n' | diff - out
}
check "quick start" quick_start
# Without cgo the first thing that the compiler says is what to do.
without_cgo() {
	! CGO_ENABLED=0 go build . 2>"$work/said" && sed -n 2p "$work/said" | grep CGO_ENABLED_1
}
check "without cgo" without_cgo
run plain ./...
run stress . -tags vdb_stress -short
if go test -race -run XXX . >/dev/null 2>&1; then
	run "race detector" . -race -short
else
	echo "skipped: Go: no race detector here"
fi

# The system's library instead of the static one: that is what programs of a distribution link.
if command -v pkg-config >/dev/null; then
	printf 'Name: vdb\nDescription: build/lib\nVersion: 0\nLibs: -L%s/build/lib -lvdb\nCflags: -I%s/include\n' "$root" "$root" >"$work/vdb.pc"
	PKG_CONFIG_PATH=$work LD_LIBRARY_PATH=$root/build/lib run "shared library" . -tags vdb_use_lib -short -run "TestVectors|TestRows|Example"
else
	echo "skipped: Go with the system's library: no pkg-config"
fi

verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ $failed -eq 0 ]
