#!/bin/sh
# Packs what was built: everything that a release consists of, and SHA256SUMS.
#
#   dist.sh [FOLDER [PACKAGE ...]]
#
# FOLDER is build/dist without one, and loses what is in it. PACKAGE is a function below; all without one.
# The same sources, build/lib and build/musl give the same bytes, whenever and wherever this runs. SOURCE_DATE_EPOCH is the time
# that archives have inside; without it, that of the last commit. GO_MODULE is the path under which the Go module is published
# (`go get` wants one that begins with a host name); DEB_MAINTAINER whom the Debian package names.
# A package whose tools are missing is left out, with a line `skipped: why`. Needs build/lib; builds no library itself.
cd "$(dirname "$0")/.." || exit 1
root=$PWD
umask 022
export LC_ALL=C TZ=UTC
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}"
export SOURCE_DATE_EPOCH
STRIP=${STRIP:-strip}
out=${1:-build/dist}
[ $# -lt 2 ] && packages="library source_code debian go_module python_wheel npm_packages swift_package" ||
	{ shift && packages=$*; }
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 1
if [ -n "$(ls -A "$out")" ] && [ ! -e "$out/SHA256SUMS" ]; then
	echo "dist: $out has files that are not of an earlier run (there is no SHA256SUMS): name another folder, or empty it" >&2
	exit 1
fi
rm -rf "${out:?}"/*
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
number() {
	sed -n "s/^#define VDB_$1 //p" include/vdb.h
}
version=$(number VERSION_MAJOR).$(number VERSION_MINOR).$(number VERSION_PATCH)
abi=$(number ABI_VERSION)
machine=$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
if [ ! -e "build/lib/libvdb.so.$abi" ] || [ ! -e build/lib/libvdb.a ]; then
	echo "dist: build/lib has no libvdb.so.$abi and libvdb.a: run \`make build\` first" >&2
	exit 1
fi

skip() {
	echo "skipped: $1"
}

# tarball NAME: NAME.tar.gz out of the folder of that name in the scratch folder.
tarball() {
	tar -C "$work" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
		--mode='u+rwX,go+rX,go-w' -cf "$work/$1.tar" "$1" && gzip -n <"$work/$1.tar" >"$out/$1.tar.gz"
}

# installed FOLDER: what `make install` installs, with the prefix in the environment, below FOLDER.
installed() {
	DESTDIR=$1 packaging/install.sh install && find "$1" -name libvdb.a -exec "$STRIP" -D --strip-debug {} \;
}

# The library and the headers, for any prefix: pkg-config and CMake look from where their files lie.
library() {
	name=vdb-$version-$machine
	PREFIX=/$name DOCDIR=/$name/share/doc/vdb installed "$work" || return 1
	sed -i -e 's|^prefix=.*|prefix=${pcfiledir}/../..|' -e 's|^libdir=.*|libdir=${prefix}/lib|' \
		-e 's|^includedir=.*|includedir=${prefix}/include|' "$work/$name/lib/pkgconfig/vdb.pc"
	tarball "$name" && for_musl "$name"
}

# The same for musl: the static library alone, which needs nothing but the C library.
for_musl() {
	[ build/musl/libvdb.a -nt build/lib/libvdb.a ] ||
		{ skip "archive for musl: no build/musl/libvdb.a newer than build/lib (make musl)" && return 0; }
	name=$1-musl
	cp -r "$work/$1" "$work/$name" && rm -r "$work/$name"/lib/libvdb.so* "$work/$name/lib/cmake" &&
		cp build/musl/libvdb.a "$work/$name/lib/libvdb.a" || return 1
	sed -i -e '/^Libs.private/d' "$work/$name/lib/pkgconfig/vdb.pc"
	tarball "$name"
}

# What is in the repository, with the changes of the working folder.
source_code() {
	git rev-parse --is-inside-work-tree >/dev/null 2>&1 || { skip "archive of the sources: not a git checkout" && return 0; }
	name=vdb-$version-source
	mkdir "$work/$name" && git ls-files -z --deduplicate | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh |
		tar --null -T - -cf - | tar -C "$work/$name" -xf - && tarball "$name"
}

debian() {
	command -v dpkg-deb >/dev/null || { skip "Debian package: no dpkg-deb" && return 0; }
	deb=$work/deb
	multiarch=$(${CC:-cc} -print-multiarch 2>/dev/null)
	[ -n "$multiarch" ] || { skip "Debian package: ${CC:-cc} knows no multiarch folder" && return 0; }
	PREFIX=/usr LIBDIR=/usr/lib/$multiarch DOCDIR=/usr/share/doc/libvdb installed "$deb" || return 1
	gzip -9n "$deb/usr/share/man/man7/vdb.7"
	mv "$deb/usr/share/doc/libvdb/NOTICE" "$deb/usr/share/doc/libvdb/copyright" && rm "$deb/usr/share/doc/libvdb/LICENSE"
	printf '\nThe Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.\n' >>"$deb/usr/share/doc/libvdb/copyright"
	chmod 644 "$deb/usr/lib/$multiarch/libvdb.so.$abi"
	mkdir "$deb/DEBIAN"
	glibc=$(grep -ao 'GLIBC_2\.[0-9]*' "build/lib/libvdb.so.$abi" | sed 's/GLIBC_//' | sort -t. -nuk2 | tail -1)
	cat >"$deb/DEBIAN/control" <<-END
		Package: libvdb
		Version: $version
		Architecture: $(dpkg --print-architecture)
		Maintainer: ${DEB_MAINTAINER:-The vdb authors <vdb@localhost>}
		Installed-Size: $((($(find "$deb/usr" -type f -printf '%s+')0) / 1024))
		Depends: libc6 (>= $glibc), libgcc-s1
		Section: libdevel
		Priority: optional
		Description: vector database you link, with a C interface
		 One shared library, one C header, no server. This package has the shared and
		 the static library, the headers for C and C++, and what pkg-config and CMake
		 need to find them.
	END
	echo 'activate-noawait ldconfig' >"$deb/DEBIAN/triggers"
	(cd "$deb" && find usr -type f | sort | xargs md5sum) >"$deb/DEBIAN/md5sums"
	dpkg-deb --root-owner-group -Zxz --build "$deb" "$out/libvdb_${version}_$(dpkg --print-architecture).deb" >/dev/null
}

# In the layout of a module proxy, below go/: GOPROXY=file://... makes `go get` find it there. The zip alone is for `replace`.
go_module() {
	command -v python3 >/dev/null || { skip "Go module: no python3" && return 0; }
	case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) skip "Go module: no static library for $(uname -m)" && return 0 ;; esac
	module=${GO_MODULE:-vdb/bindings/go}
	stage=$work/go/$module@v$version
	proxy=$out/go/$(echo "$module" | sed 's/[A-Z]/!\L&/g')/@v
	mkdir -p "$stage" "$proxy"
	(cd bindings/go && tar -cf - --exclude='*_test.go' --exclude='test.sh' .) | tar -C "$stage" -xf - || return 1
	# The examples that `go doc` shows, and what the manual refers to.
	cp bindings/go/example_test.go LICENSE NOTICE "$stage" && mkdir "$stage/docs" && cp docs/filters.md "$stage/docs" || return 1
	sed -e 's|(\.\./bindings/go/|(|' -e 's|bindings/go/example|example|g' docs/go.md >"$stage/README.md"
	"$STRIP" -D --strip-debug -o "$stage/lib/linux-$arch/libvdb.a" build/lib/libvdb.a || return 1
	find "$stage" \( -name '*.go' -o -name go.mod \) -exec sed -i -e "s|\"vdb/bindings/go|\"$module|" -e "s|^module .*|module $module|" {} +
	echo "v$version" >"$proxy/list"
	printf '{"Version":"v%s","Time":"%s"}\n' "$version" "$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)" >"$proxy/v$version.info"
	cp "$stage/go.mod" "$proxy/v$version.mod"
	packaging/zip.py "$proxy/v$version.zip" "$work/go"
}

python_wheel() {
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { skip "Python wheel: no python3 of 3.9 or newer" && return 0; }
	venv=build/bindings/python/venv
	[ -e "$venv/complete" ] && python=$root/$venv/bin/python || python=
	bindings/python/wheel.sh "$out" "$python" >"$work/said" 2>&1 && return 0
	cat "$work/said" >&2
	return 1
}

npm_packages() {
	command -v npm >/dev/null || { skip "npm packages: no npm" && return 0; }
	bindings/node/compile.sh >"$work/said" 2>&1
	case $? in
	0) node bindings/node/pack.mjs "$out" >"$work/said" 2>&1 && return 0 ;;
	3) skip "npm packages: $(cat "$work/said")" && return 0 ;;
	esac
	cat "$work/said" >&2
	return 1
}

swift_package() {
	[ -e bindings/swift/Package.swift ] || { skip "Swift package: no bindings/swift" && return 0; }
	name=vdb-swift-$version
	mkdir "$work/$name" && (cd bindings/swift && tar -cf - --exclude=.build --exclude='*.sh' .) | tar -C "$work/$name" -xf - &&
		cp LICENSE NOTICE "$work/$name" && cp docs/swift.md "$work/$name/README.md" && tarball "$name"
}

for package in $packages; do
	$package || { echo "dist: $package failed" >&2 && failed=1; }
done
(cd "$out" && find . -type f | sed 's|^\./||' | sort | xargs sha256sum) >"$work/sums" && mv "$work/sums" "$out/SHA256SUMS"
cat "$out/SHA256SUMS"
exit $failed
