#!/bin/sh
# What a search costs in each language, beside the C call, in nanoseconds. `make bench-bindings` runs it.
# Three passes in turns, the best of each counts. A language whose toolchain is missing is skipped.
cd "$(dirname "$0")" || exit 1
root=$(cd ../.. && pwd)
out=$root/build/bench
mkdir -p "$out"

skip() { echo "skipped: $1"; }

cc -std=c11 -O2 -Wall -Wextra -Werror -I"$root/include" search.c -o "$out/search-c" -L"$root/build/lib" -lvdb \
	-Wl,-rpath,"$root/build/lib" || exit 1
programs="$out/search-c"
if ! command -v go >/dev/null; then
	skip "Go (no go)"
elif (cd go && GOCACHE=${GOCACHE:-$root/build/bindings/go-cache} GOTOOLCHAIN=local go build -o "$out/search-go" .); then
	programs="$programs $out/search-go"
fi
if ! command -v node >/dev/null; then
	skip "Node (no node)"
elif [ ! -d ../node/dist ]; then
	skip "Node (not built: make node)"
else
	programs="$programs ./search.mjs"
fi

export VDB_LIBRARY=$root/build/lib/libvdb.so
for pass in 1 2 3; do
	for program in $programs; do "$program" || exit 1; done
done | awk '
	{ ns = $NF; sub(/ [0-9]+$/, ""); if (!($0 in best)) order[++n] = $0; if (!($0 in best) || ns < best[$0]) best[$0] = ns }
	END { for (i = 1; i <= n; i++) printf "%-36s %6d ns, %4d beyond C\n", order[i], best[order[i]], best[order[i]] - best["C"] }'
