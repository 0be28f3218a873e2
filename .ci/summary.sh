#!/bin/sh
# Runs a command that prints `test result:` lines, shows its output, then what was
# skipped and which tests failed, and ends with one line: the sum of all results.
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.status"' EXIT
{ "$@" 2>&1; echo $? >"$log.status"; } | tee "$log"
status=$(cat "$log.status")
grep -h '^skipped: ' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\) /\1 x /'
grep -h '^test .* FAILED$' "$log"
awk -v status="$status" '
	/^test result:/ { passed += $4; failed += $6 }
	END {
		# A program that died before it could count, or did not compile.
		if (status != 0 && failed == 0) failed = 1
		printf "%d passed, %d failed\n", passed, failed
	}' "$log"
exit "$status"
