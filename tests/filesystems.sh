#!/bin/sh
# Kills writing processes, and lets system calls fail, on other file systems: each is made
# in a file, mounted by a loop device and unmounted again. Needs root, mkfs and the kernel's
# support; what is missing is skipped by name.
#
#   tests/filesystems.sh [SECONDS] [TYPE...]   so long on each (60; ext4 xfs btrfs)
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- ext4 xfs btrfs

[ "$(id -u)" = 0 ] || { echo 'skipped: file systems: mounting needs root'; exit 0; }
place=$(mktemp -d) || exit 1
trap 'umount "$place/mount" 2>/dev/null; rm -rf "$place"' EXIT
mkdir "$place/mount"
cargo test --quiet --test torture --no-run || exit 1
status=0
for type in "$@"; do
	# xfs wants 300 MB, and no less.
	truncate -s 0 "$place/image" && truncate -s 400M "$place/image"
	"mkfs.$type" -q "$place/image" >"$place/log" 2>&1 || { echo "skipped: $type: no mkfs.$type"; continue; }
	mount -o loop -t "$type" "$place/image" "$place/mount" 2>>"$place/log" || {
		echo "skipped: $type: cannot be mounted"
		continue
	}
	for kind in kill injected; do
		echo "$type $kind: $(TMPDIR=$place/mount cargo test --quiet --test torture -- \
			--only $kind --seconds $((seconds / 2)) >"$place/log" 2>&1 && tail -1 "$place/log" || echo FAILED)"
		# A kind without its tools says so, and counts nothing.
		grep '^skipped' "$place/log"
		grep -q '^lost 0 unreadable 0 half 0 crash 0 hang 0 wrong 0$' "$place/log" || { cat "$place/log"; status=1; }
	done
	umount "$place/mount" || exit 1
done
exit $status
