#!/bin/sh
# Everything that `make test` is: the tests of the library, the models of its threads, the bindings, installations and packages.
#
# Once the tests are compiled, the library is built and the bindings are tested beside them: half of either waits for one
# core. What they said follows at the end.
cd "$(dirname "$0")/.." || exit 1
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
beside=$(mktemp) || exit 1
trap 'rm -f "$beside" "$beside.status"' EXIT

$cargo test --no-run || exit 1
{
	make --no-print-directory build && bindings/test.sh
	echo $? >"$beside.status"
} >"$beside" 2>&1 </dev/null &
status=0
$cargo test --no-fail-fast -- --show-output || status=1
$cargo test --manifest-path tests/loom/Cargo.toml --target-dir "$target/loom" --no-fail-fast || status=1
wait
cat "$beside"
[ "$(cat "$beside.status")" = 0 ] || status=1
exit $status
