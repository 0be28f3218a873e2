#!/bin/sh
# Looks for inputs that make a target of fuzz/fuzz_targets fail, with AddressSanitizer.
#
#   fuzz/run.sh SECONDS [TARGET...]   so long for each target (all of them)
#   fuzz/run.sh keep [TARGET...]      moves what reached new code to fuzz/corpus
#
# Inputs that reach new code gather in fuzz/found; a finding is in fuzz/artifacts, and goes
# to fuzz/corpus/TARGET, where tests/fuzz_replay runs it, with the change that cures it.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- store log parsers calls exchange abi filters

if ! cargo +nightly --version >/dev/null 2>&1; then
	echo "skipped: no nightly toolchain: rustup toolchain install nightly"
	exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
	echo "skipped: no cargo-fuzz: cargo install cargo-fuzz"
	exit 0
fi

# Memory and time are bounds for findings: inputs make databases of a few hundred kilobytes.
limits="-rss_limit_mb=2048 -malloc_limit_mb=256 -timeout=30 -max_len=4096 -use_value_profile=1 -print_final_stats=1"
status=0
for target in "$@"; do
	mkdir -p "fuzz/found/$target" "fuzz/corpus/$target"
	if [ "$seconds" = keep ]; then
		cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "fuzz/found/$target" -- -merge=1 -max_len=4096 || status=1
	else
		echo "fuzz $target: $seconds s"
		cargo +nightly fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
			$limits -max_total_time="$seconds" || status=1
	fi
done
exit $status
