#!/bin/sh
# A Swift toolchain: that of the system, or, where it has none, Debian trixie's swiftlang in a folder of its own.
#
#   toolchain.sh check                  says why there is none, and fails, or does nothing
#   toolchain.sh install                makes the folder unless there is one: 2.8 GB, some minutes, once. Needs root
#   toolchain.sh run FOLDER COMMAND...  runs COMMAND, with all that lies in FOLDER, in the current folder, which is one of these
#
# VDB_SWIFT_ROOT is the folder (~/.cache/vdb/swift), VDB_SWIFT_MIRROR where Debian's packages come from (debootstrap's own choice). What `run` mounts, only the
# command sees, and only while it runs.
root=${VDB_SWIFT_ROOT:-$HOME/.cache/vdb/swift}
packages="swiftlang libc6-dev libstdc++-14-dev libgcc-14-dev git pkg-config"

fail() {
	echo "$1"
	exit 1
}

check() {
	! command -v swift >/dev/null || return 0
	[ -e "$root/.complete" ] || fail "no swift, and no toolchain in $root: make test-swift puts one there"
	[ "$(id -u)" -eq 0 ] || fail "the toolchain in $root can be used by root only"
}

# inside SCRIPT ARGUMENTS...: a shell whose mounts nobody else sees; in SCRIPT, $root is the folder.
inside() {
	script=$1
	shift
	unshare --mount --propagation private sh -ec '
		root=$1
		shift
		mount --rbind /dev "$root/dev"
		mount -t proc proc "$root/proc"
		'"$script" sh "$root" "$@"
}

install() {
	[ "$(id -u)" -eq 0 ] || fail "a folder with a system in it can be made by root only; or install swift 6.0 or newer"
	command -v debootstrap >/dev/null || apt-get install -y -q debootstrap || fail "install debootstrap first"
	rm -rf "$root"
	mkdir -p "$root"
	debootstrap --variant=minbase --include=ca-certificates trixie "$root" ${VDB_SWIFT_MIRROR:+"$VDB_SWIFT_MIRROR"} ||
		fail "debootstrap failed: see $root/debootstrap/debootstrap.log"
	# shellcheck disable=SC2016,SC2086
	inside 'chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		apt-get install -y -q --no-install-recommends "$@"' $packages || fail "apt-get failed in $root"
	rm -rf "$root"/var/cache/apt/archives/*.deb
	# Comes last: a folder that is not whole is made anew.
	touch "$root/.complete"
}

case $1 in
check) check ;;
install) (check) >/dev/null || install ;;
run)
	check
	shift
	if command -v swift >/dev/null; then
		shift
		exec "$@"
	fi
	# shellcheck disable=SC2016
	inside 'mkdir -p "$root$1"
		mount --bind "$1" "$root$1"
		shift
		exec chroot "$root" sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$PWD" "$@"' "$@"
	;;
*) fail "check, install, or run FOLDER COMMAND..." ;;
esac
