#!/bin/sh
# Line coverage of what reads and writes files: src/storage, by its own tests and by those
# that crash, damage, forge, fill the disk, follow and repair.
#
#   tests/coverage.sh [PERCENT]   fails when fewer lines are run (95)
#
# Needs llvm-cov and llvm-profdata of the LLVM that rustc has: `rustup component add
# llvm-tools`, or a package such as llvm-22.
set -u
cd "$(dirname "$0")/.." || exit 1
least=${1:-95}
work=build/coverage
tests="crash_storage crash_consistency hostile_files real_syncs format_versions golden_files full_disk
	fuzz_replay repair check readers allocation_failures"

major=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
tool() { # name
	for path in "$(rustc --print sysroot)"/lib/rustlib/*/bin/"$1" "$(command -v "$1-$major")"; do
		[ -x "$path" ] && echo "$path" && return
	done
	return 1
}
cov=$(tool llvm-cov) && profdata=$(tool llvm-profdata) || {
	echo "skipped: coverage: no llvm-cov of LLVM $major"
	exit 0
}

rm -rf "$work/profiles"
export RUSTFLAGS='-C instrument-coverage' LLVM_PROFILE_FILE="$PWD/$work/profiles/%p-%m.profraw" CARGO_INCREMENTAL=0
run="cargo test --quiet --target-dir $work --lib $(printf -- '--test %s ' $tests)"
programs=$($run --no-run --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p') || exit 1
$run >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
"$profdata" merge --sparse "$work"/profiles/*.profraw -o "$work/merged" || exit 1

# shellcheck disable=SC2086
"$cov" export --summary-only --instr-profile "$work/merged" $(printf -- '--object %s ' $programs) --sources $(find src/storage -name '*.rs' ! -name '*tests.rs') |
	python3 -c '
import json, os, sys
files = json.load(sys.stdin)["data"][0]["files"]
total = covered = 0
for file in sorted(files, key=lambda f: f["filename"]):
    lines = file["summary"]["lines"]
    total, covered = total + lines["count"], covered + lines["covered"]
    print("%6.1f %%  %5d of %5d  %s" % (lines["percent"], lines["covered"], lines["count"], os.path.relpath(file["filename"])))
share, least = 100 * covered / total, float(sys.argv[1])
print("%.1f %% of %d lines of src/storage are run; at least %g" % (share, total, least))
sys.exit(share < least)' "$least"
