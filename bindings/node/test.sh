#!/bin/sh
# Tests of the Node package: compiled, then its tests, the test vectors, the example, and the npm packages installed into an empty
# project. Needs build/lib. What npm fetches (Koffi, the TypeScript compiler) is cached in build/bindings.
cd "$(dirname "$0")" || exit 1
root=$(cd ../.. && pwd)
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "skipped: Node: no node or no npm"
	exit 0
fi
if [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" != true ]; then
	echo "skipped: Node: $(node --version) is older than 20"
	exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export npm_config_cache="$root/build/bindings/npm-cache"
failed=0
./compile.sh >"$work/output" 2>&1
case $? in
0) ;;
3) echo "skipped: Node: $(cat "$work/output")" && exit 0 ;;
*)
	cat "$work/output"
	echo "test node (compile) ... FAILED"
	echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
	exit 1
	;;
esac
VDB_LIBRARY="$(echo "$root"/build/lib/libvdb.so.[0-9]*)" node --expose-gc --test --test-reporter tap test/*.test.mjs >"$work/output" 2>&1 || failed=1
count() { sed -n "s/^# $1 //p" "$work/output" | tail -1; }
if [ $failed -ne 0 ]; then
	cat "$work/output"
	sed -n 's/^ *not ok [0-9]* - \(.*\)/test node (\1) ... FAILED/p' "$work/output"
fi
sed -n 's/^ok [0-9]* - \(.*\) # SKIP \(.*\)/skipped: Node: \1: \2/p' "$work/output"
verdict=ok bad=$(count fail)
[ $failed -eq 0 ] || { verdict=FAILED; [ "${bad:-0}" -gt 0 ] || bad=1; }
echo "test result: $verdict. $(count pass) passed; ${bad:-0} failed; 0 ignored"
exit $failed
