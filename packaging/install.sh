#!/bin/sh
# Installs what `make build` left in build/lib, or takes it away again. Called by the Makefile.
#
#   install.sh install|uninstall
#
# From the environment: PREFIX (/usr/local), LIBDIR, INCLUDEDIR, MANDIR, DOCDIR below it, and DESTDIR, a
# folder that stands for / while a package is made. All but DESTDIR are absolute.
set -eu
cd "$(dirname "$0")/.."
PREFIX=${PREFIX:-/usr/local}
LIBDIR=${LIBDIR:-$PREFIX/lib}
INCLUDEDIR=${INCLUDEDIR:-$PREFIX/include}
MANDIR=${MANDIR:-$PREFIX/share/man}
DOCDIR=${DOCDIR:-$PREFIX/share/doc/vdb}
DESTDIR=${DESTDIR:-}

for dir in "$PREFIX" "$LIBDIR" "$INCLUDEDIR" "$MANDIR" "$DOCDIR"; do
	case $dir in
	/*) ;;
	*) echo "install: $dir is not an absolute path" >&2 && exit 1 ;;
	esac
done

number() {
	sed -n "s/^#define VDB_$1 //p" include/vdb.h
}
abi=$(number ABI_VERSION) major=$(number VERSION_MAJOR) minor=$(number VERSION_MINOR)
version=$major.$minor.$(number VERSION_PATCH)
# What `rustc --print native-static-libs` names for the static library, without gcc_s: compilers bring it or, where a
# program is static altogether, gcc_eh, of which there is one.
private="-lutil -lrt -lpthread -lm -ldl -lc"

# Where `$2` is, seen from the folder `$1`; neither need exist.
relative() {
	realpath -m --relative-to="$1" "$2"
}

# put MODE FILE NAME: a file to its absolute name below DESTDIR.
put() {
	mkdir -p "$DESTDIR$(dirname "$3")"
	install -m "$1" "$2" "$DESTDIR$3"
}

# fill TEMPLATE NAME: writes a template with what is known now.
fill() {
	mkdir -p "$DESTDIR$(dirname "$2")"
	sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@LIBDIR@|$LIBDIR|g" -e "s|@INCLUDEDIR@|$INCLUDEDIR|g" \
		-e "s|@VERSION@|$version|g" -e "s|@MAJOR@|$major|g" -e "s|@MINOR@|$minor|g" -e "s|@ABI@|$abi|g" \
		-e "s|@PRIVATE_LIBS@|$private|g" -e "s|@CMAKE_PRIVATE_LIBS@|$(echo "$private" | tr ' ' ';')|g" \
		-e "s|@UP@|$(relative "$LIBDIR/cmake/vdb" "$PREFIX")|g" \
		-e "s|@REL_LIBDIR@|$(relative "$PREFIX" "$LIBDIR")|g" \
		-e "s|@REL_INCLUDEDIR@|$(relative "$PREFIX" "$INCLUDEDIR")|g" "$1" >"$DESTDIR$2"
	chmod 644 "$DESTDIR$2"
}

do_install() {
	if [ ! -e "build/lib/libvdb.so.$abi" ] || [ ! -e build/lib/libvdb.a ]; then
		echo "install: build/lib has no libvdb.so.$abi and libvdb.a: run \`make build\` first" >&2
		exit 1
	fi
	put 755 "build/lib/libvdb.so.$abi" "$LIBDIR/libvdb.so.$abi"
	ln -sf "libvdb.so.$abi" "$DESTDIR$LIBDIR/libvdb.so"
	put 644 build/lib/libvdb.a "$LIBDIR/libvdb.a"
	for header in vdb.h vdb.hpp vdb/base.hpp vdb/names.hpp vdb/parts.hpp; do
		put 644 "include/$header" "$INCLUDEDIR/$header"
	done
	fill packaging/vdb.pc.in "$LIBDIR/pkgconfig/vdb.pc"
	fill packaging/vdbConfig.cmake.in "$LIBDIR/cmake/vdb/vdbConfig.cmake"
	fill packaging/vdbConfigVersion.cmake.in "$LIBDIR/cmake/vdb/vdbConfigVersion.cmake"
	put 644 packaging/vdb.7 "$MANDIR/man7/vdb.7"
	for text in LICENSE NOTICE; do
		put 644 "$text" "$DOCDIR/$text"
	done
	# In the folders of the repository, so that links lead from one to the other.
	for text in docs/api-conventions.md docs/c.md docs/cpp.md docs/filters.md examples/quickstart.c examples/records.c examples/quickstart.cpp \
		examples/threads.cpp examples/npy.h; do
		put 644 "$text" "$DOCDIR/$text"
	done
}

do_uninstall() {
	rm -f "$DESTDIR$LIBDIR/libvdb.so.$abi" "$DESTDIR$LIBDIR/libvdb.so" "$DESTDIR$LIBDIR/libvdb.a" \
		"$DESTDIR$LIBDIR/pkgconfig/vdb.pc" "$DESTDIR$INCLUDEDIR/vdb.h" "$DESTDIR$INCLUDEDIR/vdb.hpp" \
		"$DESTDIR$MANDIR/man7/vdb.7"
	rm -rf "$DESTDIR$INCLUDEDIR/vdb" "$DESTDIR$LIBDIR/cmake/vdb" "$DESTDIR$DOCDIR"
}

case ${1:-} in
install | uninstall) "do_$1" ;;
*) echo "usage: install.sh install|uninstall" >&2 && exit 2 ;;
esac
