#!/bin/sh
# Packs build/lib as a release would, twice, and installs each package where there is nothing else: a new environment of Python,
# an empty npm project, an empty Go module, roots and prefixes of their own. What runs there is the quick start of the package's
# manual, as it stands on the page. Needs build/lib.
cd "$(dirname "$0")/.." || exit 1
root=$PWD
CC=${CC:-cc} CXX=${CXX:-c++}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
unset DESTDIR PREFIX LIBDIR INCLUDEDIR MANDIR DOCDIR PKG_CONFIG_PATH LD_LIBRARY_PATH GO_MODULE PYTHONPATH VDB_LIBRARY
export LC_ALL=C
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
abi=$(sed -n 's/^#define VDB_ABI_VERSION //p' include/vdb.h)
dist=$work/dist
library=$dist/vdb-$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m).tar.gz

suite=dist
. packaging/check.sh

# fails COMMAND...: for shells that stop at the first failure, but not at that of `! command`.
fails() {
	if "$@"; then return 1; fi
}

# there GLOB: whether a package was made. dist.sh has said why not.
there() {
	set -- "$dist"/$1
	[ -e "$1" ]
}

# block LANGUAGE PAGE [NUMBER]: a block of a language on a page: the first, which is its quick start, without a number.
block() {
	awk -v fence="^\`\`\`$1\$" -v n="${3:-1}" '$0 ~ fence { at++; next } /^```$/ { if (at == n) exit } at == n' "$root/$2"
}

# The quick start prints the same two rows in every language that has it.
says() {
	"$@" >said
	printf 'row 10, distance 0.019\nrow 30, distance 0.168\n' | diff - said
}

pack() {
	"$root/packaging/dist.sh" "$@" >"$work/said" 2>&1
}

# glibc FILE: the least 2.x of the C library that has the symbols of a program or library; 0 for one that needs none.
glibc() {
	{ echo GLIBC_2.0 && readelf -V "$1" | grep -o 'GLIBC_2\.[0-9]*'; } | sort -t. -nk2 | tail -1 | cut -d. -f2
}

# In another folder, with other permissions and another time zone.
reproducible() {
	(umask 077 && TZ=Asia/Tokyo pack "$work/again")
	diff "$dist/SHA256SUMS" "$work/again/SHA256SUMS"
	rm -r "$work/again"
}
sums() {
	cd "$dist"
	sha256sum -c SHA256SUMS
	test "$(find . -type f | wc -l)" = $(($(wc -l <SHA256SUMS) + 1))
}
one_version() {
	test "$(sed -n 's/^#define VDB_VERSION_STRING "\(.*\)"/\1/p' "$root/include/vdb.h")" = "$version"
	(cd "$dist" && find . -type f | fails grep -v -e SHA256SUMS -e '@v/list' -e "$version")
	for page in cpp python go node; do
		sed -n '/^## Install/,/^## Quick/p' "$root/docs/$page.md" | grep -o '[0-9]\+\.[0-9]\+\.[0-9]\+' >named
		fails grep -vx -e "$version" -e 0.0.0 named # 0.0.0 is what a checkout of Go is replaced as
	done
}

# unpack_library: the archive in the folder `moved`, the quick start of the README as quickstart.c.
unpack_library() {
	tar -xzf "$1"
	mv vdb-* moved
	block c README.md >quickstart.c
	export PKG_CONFIG_PATH="$PWD/moved/lib/pkgconfig"
}
library() {
	unpack_library "$library"
	test "$(pkg-config --modversion vdb)" = "$version"
	$CC quickstart.c $(pkg-config --cflags --libs vdb) -Wl,-rpath,"$PWD/moved/lib" -o shared
	ldd shared | grep -q "$PWD/moved/lib/libvdb.so.$abi"
	says ./shared
	rm -r quickstart.vdb moved/lib/libvdb.so*
	$CC quickstart.c $(pkg-config --static --cflags --libs vdb) -o static
	says ./static
}
library_for_cmake() {
	unpack_library "$library"
	cp "$root/examples/quickstart.cpp" .
	sed "s/@VERSION@/$version/" "$root/packaging/consumer/CMakeLists.txt" >CMakeLists.txt
	cmake -S . -B out -DCMAKE_PREFIX_PATH="$PWD/moved" -DVDB_EXAMPLES="$PWD"
	cmake --build out --target shared_c
	says out/shared_c
}
library_for_musl() {
	unpack_library "$dist"/vdb-"$version"-*-musl.tar.gz
	musl-gcc -static quickstart.c $(pkg-config --cflags --libs vdb) -o program
	fails grep INTERP <<-END
		$(readelf -l program)
	END
	says ./program
}

source_code() {
	tar -xzf "$dist/vdb-$version-source.tar.gz"
	cd "vdb-$version-source"
	git -C "$root" ls-files | while read -r file; do [ ! -e "$root/$file" ] || echo "$file"; done | sort >../tracked
	find . -not -type d | sed 's|^\./||' | sort | diff ../tracked -
	cmp include/vdb.h "$root/include/vdb.h"
	cargo metadata --offline --locked --no-deps --format-version 1 >/dev/null
	make -n build
}

debian() {
	dpkg-deb -x "$debian" system
	libraries=$(echo "$PWD"/system/usr/lib/*/pkgconfig/..)
	export PKG_CONFIG_SYSROOT_DIR="$PWD/system" PKG_CONFIG_LIBDIR="$libraries/pkgconfig"
	{
		printf '#include <cstdio>\n#include <vdb.hpp>\nint main() {\n'
		block cpp docs/cpp.md
		printf '}\n'
	} >quickstart.cpp
	$CXX -std=c++17 quickstart.cpp $(pkg-config --cflags --libs vdb) -Wl,-rpath,"$libraries" -o program
	ldd program | grep -q "$PWD/system/usr/lib/.*libvdb.so.$abi"
	test "$(./program)" = "row 10
row 30"
	test "$(dpkg-deb -f "$debian" Version)" = "$version"
	gzip -dc system/usr/share/man/man7/vdb.7.gz | grep -q vdb_search
	dpkg-deb -f "$debian" Depends | grep "libc6 (>= 2.$(glibc "$libraries/libvdb.so.$abi"))"
	dpkg-deb -e "$debian" control
	cd system
	md5sum --quiet -c ../control/md5sums
}
# As dpkg does it; what libvdb needs is not in this root.
debian_installed() {
	mkdir -p system/var/lib/dpkg/updates system/var/lib/dpkg/info
	touch system/var/lib/dpkg/status
	dpkg --root="$PWD/system" --force-depends -i "$debian"
	dpkg --root="$PWD/system" -L libvdb | grep '^/usr/include/vdb.h$'
	test -e system/usr/include/vdb.h
	dpkg --root="$PWD/system" -r libvdb
	test -z "$(find system/usr -type f)"
}

# The name of the wheel says what it needs of a system: a C library of that age, and nothing that is not on every Linux.
wheel_is_honest() {
	python3 -m zipfile -e "$dist"/vdb-*.whl wheel
	tagged=$(echo "$dist"/vdb-*.whl | sed -n 's/.*-cp39-abi3-manylinux_2_\([0-9]*\)_.*/\1/p')
	test "$(cd wheel && find . -name '*.so*' | sort | xargs)" = "./vdb/_lib.abi3.so ./vdb/libvdb.so.$abi"
	for file in wheel/vdb/*.so*; do
		test "$(glibc "$file")" -le "$tagged"
		readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >needed
		test -s needed
		# Of manylinux' list what this library has use for.
		fails grep -vx -e "libvdb.so.$abi" -e 'lib\(c\|m\|dl\|rt\|pthread\|util\).so.[0-9]' -e libgcc_s.so.1 -e 'ld-linux-.*.so.[0-9]' needed
	done
	for extension in wheel/vdb/*.abi3.so; do readelf -d "$extension" | grep 'R.*PATH' | grep '\[$ORIGIN\]'; done
	test -e wheel/vdb/py.typed
	test "$(sed -n 's/^Requires-Dist: \([a-z]*\)[^;]*$/\1/p' wheel/vdb-*.dist-info/METADATA | sort | xargs)" = "numpy"
	grep "^Version: $version\$" wheel/vdb-*.dist-info/METADATA
}
python_wheel() {
	block python docs/python.md >quickstart.py
	"$work/venv/bin/python" quickstart.py
	test -d example.vdb
	"$work/venv/bin/python" -c 'import sys, vdb; sys.exit(not vdb.__file__.startswith(sys.prefix))'
}

npm_packages() {
	echo '{"name": "project", "private": true}' >package.json
	npm install --silent --prefer-offline --ignore-scripts --no-audit --no-fund "$dist/vdb-$version.tgz" "$dist"/vdb-linux-*.tgz
	block js docs/node.md >quickstart.mjs
	says node quickstart.mjs
	node -e "if (require('vdb/package.json').version !== '$version') throw new Error('version')"
}

go_replaced() {
	mkdir third_party
	python3 -m zipfile -e "$dist/go/vdb/bindings/go/@v/v$version.zip" third_party
	printf 'module example\n\ngo 1.24\n' >go.mod
	block go docs/go.md >main.go
	go mod edit -require="vdb/bindings/go@v$version" -replace="vdb/bindings/go=./third_party/vdb/bindings/go@v$version"
	go build -o program .
	says ./program
	rm -r quickstart.vdb
	# Its examples and what its manual refers to are in it.
	module="third_party/vdb/bindings/go@v$version"
	(cd "$module" && go test -run Example .)
	grep -o '(examples/[^)]*)\|`docs/[^`]*`\|`example[^`]*`' "$module/README.md" | tr -d '()`' | while read -r file; do test -s "$module/$file" || exit 1; done
	# Everything that the compiler needs is vendored along.
	go mod vendor
	rm -r third_party
	go build -mod=vendor -o vendored .
	says ./vendored
}
# Under a name that go can fetch, from a proxy that is a folder.
go_fetched() {
	GO_MODULE=example.com/Vector/vdb pack "$work/proxy" go_module
	printf 'module example\n\ngo 1.24\n' >go.mod
	block go docs/go.md | sed 's|"vdb/bindings/go"|"example.com/Vector/vdb"|' >main.go
	export GOPROXY="file://$work/proxy/go" GONOSUMDB='*' GOFLAGS=-modcacherw GOMODCACHE="$PWD/cache"
	go get "example.com/Vector/vdb@v$version"
	go mod verify
	go build -o program .
	says ./program
}

# With the archive of the library instead of an installation.
swift_package() {
	tar -xzf "$dist/vdb-swift-$version.tar.gz"
	cmp "vdb-swift-$version/README.md" "$root/docs/swift.md"
	tar -xzf "$library"
	prefix=$(echo "$PWD"/vdb-*-*64*)
	export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
	mkdir -p project/Sources/quickstart
	block swift docs/swift.md 1 | sed "s|/path/to/vdb/bindings/swift|$PWD/vdb-swift-$version|" >project/Package.swift
	block swift docs/swift.md 2 >project/Sources/quickstart/main.swift
	cd project
	"$root/bindings/swift/toolchain.sh" run "$work" swift build
	says "$root/bindings/swift/toolchain.sh" run "$work" .build/debug/quickstart
}

if ! pack "$dist"; then
	cat "$work/said"
	echo "test dist/pack ... FAILED"
	echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
	exit 1
fi
grep '^skipped: ' "$work/said"
debian=$(echo "$dist"/libvdb_*.deb)
check reproducible reproducible
check sums sums
check one_version one_version
if command -v pkg-config >/dev/null; then
	check library library
	if ! there "vdb-$version-*-musl.tar.gz" || ! command -v musl-gcc >/dev/null; then
		echo "skipped: program linked with musl: no archive for it, or no musl-gcc"
	else
		check library_for_musl library_for_musl
	fi
	if there "libvdb_*.deb"; then check debian debian; fi
else
	echo "skipped: archives with pkg-config: no pkg-config"
fi
if command -v cmake >/dev/null; then check library_for_cmake library_for_cmake; else echo "skipped: archive with CMake: no cmake"; fi
if there "vdb-*-source.tar.gz"; then check source_code source_code; fi
if there "libvdb_*.deb"; then
	if [ "$(id -u)" = 0 ]; then check debian_installed debian_installed; else echo "skipped: dpkg in a root of its own: not root"; fi
fi
if there "vdb-*.whl"; then
	if command -v readelf >/dev/null; then check wheel_is_honest wheel_is_honest; else echo "skipped: tag of the wheel: no readelf"; fi
	if ! python3 -m venv "$work/venv" >/dev/null 2>&1; then
		echo "skipped: wheel in a new environment: no venv module"
	elif "$work/venv/bin/pip" install -q --disable-pip-version-check "$dist"/vdb-*.whl >"$work/pip" 2>&1; then
		check python_wheel python_wheel
	elif "$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps "$dist"/vdb-*.whl >>"$work/pip" 2>&1; then
		echo "skipped: wheel in a new environment: pip could not fetch numpy: $(head -1 "$work/pip")"
	else
		check python_wheel sh -c 'cat "$1" && exit 1' sh "$work/pip"
	fi
fi
export npm_config_cache="$root/build/bindings/npm-cache"
if there "vdb-$version.tgz"; then check npm_packages npm_packages; fi
export GOCACHE="$root/build/bindings/go-cache" GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=1
if ! there "go/*" || ! (cd bindings/go && go list . >/dev/null 2>&1); then
	echo "skipped: Go module in an empty module: no go, or one older than go.mod asks for"
else
	check go_replaced go_replaced
	check go_fetched go_fetched
fi
if there "vdb-swift-*"; then
	if why=$(bindings/swift/toolchain.sh check); then check swift_package swift_package; else echo "skipped: Swift package: $why"; fi
fi

verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ $failed -eq 0 ]
