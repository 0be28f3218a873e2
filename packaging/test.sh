#!/bin/sh
# Installs into empty prefixes and builds programs against what lies there, with pkg-config and with CMake,
# as somebody would who has never seen this repository. Needs build/lib.
cd "$(dirname "$0")/.." || exit 1
root=$PWD
CC=${CC:-cc} CXX=${CXX:-c++}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
unset DESTDIR PREFIX LIBDIR INCLUDEDIR MANDIR DOCDIR PKG_CONFIG_PATH LD_LIBRARY_PATH
version=$(sed -n 's/^#define VDB_VERSION_STRING "\(.*\)"/\1/p' include/vdb.h)
abi=$(sed -n 's/^#define VDB_ABI_VERSION //p' include/vdb.h)

suite=install
. packaging/check.sh

# The quick start prints the same two rows in every language that has it.
says() {
	"$@" | tee said && grep -q '^row 10, distance 0.019$' said && grep -q '^row 30, distance 0.168$' said
}

prefix=$work/prefix
PREFIX=$prefix packaging/install.sh install || exit 1

layout() {
	test -f "$prefix/lib/libvdb.so.$abi" && test -L "$prefix/lib/libvdb.so" && test -f "$prefix/lib/libvdb.a" &&
		test -f "$prefix/include/vdb.h" && test -f "$prefix/include/vdb.hpp" && test -f "$prefix/share/man/man7/vdb.7" &&
		test -f "$prefix/share/doc/vdb/LICENSE" && test -f "$prefix/share/doc/vdb/docs/filters.md" && test "$(readlink "$prefix/lib/libvdb.so")" = "libvdb.so.$abi" &&
		! grep -rq '@[A-Z_]*@' "$prefix/lib/pkgconfig" "$prefix/lib/cmake" "$prefix/share/man"
}
# What the manual of C++ refers to lies where it says.
links() {
	(cd "$prefix/share/doc/vdb/docs" && grep -o '](\(\.\./\)*[a-z_]*[/.][a-z.]*)' cpp.md | tr -d '()]' >"$OLDPWD/named" && xargs ls <"$OLDPWD/named") &&
		grep -q quickstart.cpp named
}
headers() {
	(cd "$root/include" && find . -type f | sort) >have && (cd "$prefix/include" && find . -type f | sort) >installed &&
		diff have installed
}
staged() {
	DESTDIR=$PWD/stage PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu "$root/packaging/install.sh" install
	test -f "stage/usr/lib/x86_64-linux-gnu/libvdb.so.$abi" && test -f stage/usr/include/vdb.h &&
		grep -q '^prefix=/usr$' stage/usr/lib/x86_64-linux-gnu/pkgconfig/vdb.pc &&
		! grep -rqI "$PWD" stage && test "$(ls stage)" = usr
}
relative_prefix_is_refused() {
	! PREFIX=here "$root/packaging/install.sh" install && test -z "$(ls)"
}
uninstalled() {
	PREFIX=$PWD/p "$root/packaging/install.sh" install && PREFIX=$PWD/p "$root/packaging/install.sh" uninstall &&
		test -z "$(find p -not -type d)"
}
man_page() {
	groff -man -ww -Tutf8 "$prefix/share/man/man7/vdb.7" >page 2>warnings && ! test -s warnings && grep -q vdb_search page
}

pc() {
	PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" vdb
}
pc_shared() {
	test "$(pc --modversion)" = "$version"
	# As docs/c.md says it.
	$CC "$prefix/share/doc/vdb/examples/quickstart.c" $(pc --cflags --libs) -Wl,-rpath,"$(pc --variable=libdir)" -o program && says ./program &&
		$CC "$prefix/share/doc/vdb/examples/records.c" $(pc --cflags --libs) -Wl,-rpath,"$(pc --variable=libdir)" -o program && ./program
}
pc_cpp() {
	# As docs/cpp.md says it.
	$CXX -std=c++17 "$prefix/share/doc/vdb/examples/quickstart.cpp" $(pc --cflags --libs) -Wl,-rpath,"$(pc --variable=libdir)" -o program &&
		./program "$root/data/wordnet" | grep -q '^0.270  drizzle' &&
		$CXX -std=c++17 "$prefix/share/doc/vdb/examples/threads.cpp" $(pc --cflags) "$(pc --variable=libdir)/libvdb.a" -lpthread -lm -ldl -o program &&
		./program "$root/data/wordnet" | grep -q 'right$'
}
pc_static() {
	# Where there is only the static library: a program that needs no libvdb.so at all.
	cp -r "$prefix" only_static && rm only_static/lib/libvdb.so*
	sed -i "s|^prefix=.*|prefix=$PWD/only_static|; s|$prefix|$PWD/only_static|" only_static/lib/pkgconfig/vdb.pc
	$CC "$root/examples/quickstart.c" $(PKG_CONFIG_PATH=only_static/lib/pkgconfig pkg-config --static --cflags --libs vdb) -o program &&
		! ldd program | grep -q libvdb && says ./program
}
# Nothing is loaded when the program starts: the C library is static too, and there is no static libgcc_s.
pc_all_static() {
	$CC -static "$root/examples/quickstart.c" $(pc --static --cflags --libs) -o program && says ./program &&
		! readelf -d program | grep NEEDED
}
cmake_consumer() {
	# The installation moved after it was made, as packages are.
	cp -r "$prefix" moved
	sed "s/@VERSION@/${version%.*}/" "$root/packaging/consumer/CMakeLists.txt" >CMakeLists.txt
	cmake -S . -B out -DCMAKE_PREFIX_PATH="$PWD/moved" -DVDB_EXAMPLES="$root/examples" && cmake --build out &&
		says out/shared_c && rm -rf quickstart.vdb && says out/static_c &&
		out/shared_cpp "$root/data/wordnet" | grep -q '^0.270  drizzle' && ldd out/shared_c | grep -q "$PWD/moved" &&
		! ldd out/static_c | grep -q libvdb
}
cmake_refuses() {
	# A newer version than there is, and an installation with a file missing.
	sed "s/@VERSION@/99.0/" "$root/packaging/consumer/CMakeLists.txt" >CMakeLists.txt
	if cmake -S . -B out -DCMAKE_PREFIX_PATH="$prefix" -DVDB_EXAMPLES="$root/examples"; then return 1; fi
	cp -r "$prefix" torn && rm torn/lib/libvdb.a
	sed "s/@VERSION@/$version/" "$root/packaging/consumer/CMakeLists.txt" >CMakeLists.txt
	if cmake -S . -B again -DCMAKE_PREFIX_PATH="$PWD/torn" -DVDB_EXAMPLES="$root/examples" >said 2>&1; then return 1; fi
	grep -q 'libvdb.a is missing' said
}

# find_package of a version, and what is said below 1.0 to one with another minor number.
fits() {
	printf 'cmake_minimum_required(VERSION 3.13)\nproject(asks C)\nfind_package(vdb %s REQUIRED)\n' "$1" >CMakeLists.txt
	rm -rf asked
	cmake -S . -B asked -DCMAKE_PREFIX_PATH="$prefix"
}
cmake_minor_versions() {
	fits "${version%.*}"
	fits "$version"
	case $version in
	0.*) if fits 0.0.9; then return 1; fi ;;
	esac
}

# What cargo-c reads of Cargo.toml: the ABI number, and the headers that `make install` installs.
cargo_c_metadata() {
	cargo metadata --no-deps --offline --format-version 1 --manifest-path "$root/Cargo.toml" >metadata
	python3 - "$abi" "$root" metadata <<-'END'
		import json, pathlib, sys
		abi, root, metadata = sys.argv[1:]
		[package] = json.load(open(metadata))["packages"]
		capi = package["metadata"]["capi"]
		assert capi["library"]["version"] == f"{abi}.0.0" and capi["library"]["version_suffix_components"] == 1
		assert capi["header"] == {"subdirectory": False, "generation": False} and "capi" in package["features"]
		[asset] = capi["install"]["include"]["asset"]
		found = sorted(str(path) for path in pathlib.Path(root).glob(asset["from"]))
		every = sorted(str(path) for path in pathlib.Path(root, "include").rglob("*") if path.is_file())
		assert found == every, (found, every)
	END
}
# Not optimised, which changes nothing here and takes a quarter of the time.
cargo_c() {
	cargo cinstall --debug --offline --manifest-path "$root/Cargo.toml" --destdir="$PWD/stage" --prefix=/usr --libdir=/usr/lib
	test "$(readlink -f stage/usr/lib/libvdb.so."$abi")" = "$PWD/stage/usr/lib/libvdb.so.$abi.0.0"
	readelf -d "stage/usr/lib/libvdb.so.$abi" >dynamic
	grep "SONAME.*libvdb.so.$abi\]" dynamic
	grep NODELETE dynamic
	(cd stage/usr/include && find . -type f | sort) >installed
	(cd "$root/include" && find . -type f | sort) | diff - installed
	$CC "$root/examples/quickstart.c" -Istage/usr/include -Lstage/usr/lib -lvdb -Wl,-rpath,"$PWD/stage/usr/lib" -o program
	says ./program
}

check layout layout
check links links
check all_headers headers
check staged staged
check relative_prefix_is_refused relative_prefix_is_refused
check uninstalled uninstalled
if command -v groff >/dev/null; then check man_page man_page; else echo "skipped: the manual page: no groff"; fi
if command -v pkg-config >/dev/null; then
	check pkg_config_shared pc_shared
	check pkg_config_static pc_static
	check pkg_config_cpp pc_cpp
	if echo 'int main(void) { return 0; }' | $CC -static -x c - -o "$work/static" 2>/dev/null; then
		check pkg_config_all_static pc_all_static
	else
		echo "skipped: a program that is static altogether: no static C library"
	fi
else
	echo "skipped: pkg-config consumers: no pkg-config"
fi
if command -v cmake >/dev/null; then
	check cmake cmake_consumer
	check cmake_refuses cmake_refuses
	check cmake_minor_versions cmake_minor_versions
else
	echo "skipped: CMake consumers: no cmake"
fi
if command -v cargo >/dev/null && command -v python3 >/dev/null; then
	check cargo_c_metadata cargo_c_metadata
else
	echo "skipped: what cargo-c reads: no cargo or no python3"
fi
if command -v cargo-cinstall >/dev/null; then check cargo_c cargo_c; else echo "skipped: cargo cinstall: no cargo-c"; fi

verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ $failed -eq 0 ]
