#!/bin/sh
# Builds the wheel from a copy of this folder, so that what pip leaves behind stays out of the repository. Needs build/lib.
#
#   wheel.sh FOLDER [PYTHON]
#
# PYTHON has setuptools, wheel and numpy; without it an environment is made that has them, build/bindings/python/tools.
# What the compiler would write down of the folder is left out: the same sources give the same bytes.
cd "$(dirname "$0")/../.." || exit 1
folder=$1 python=${2:-}
tools=$PWD/build/bindings/python/tools
source=$(mktemp -d) || exit 1
trap 'rm -rf "$source"' EXIT

if [ -z "$python" ]; then
	python=$tools/bin/python
	if [ ! -e "$tools/complete" ] || ! "$python" -c 'import numpy' 2>/dev/null; then
		rm -rf "$tools"
		"${PYTHON:-python3}" -m venv "$tools" &&
			"$python" -m pip install -q --disable-pip-version-check setuptools wheel 'numpy>=2' && touch "$tools/complete" || exit 1
	fi
fi
cp -r bindings/python/. "$source" && cp LICENSE NOTICE "$source" || exit 1
mkdir -p "$folder" && rm -f "$folder"/vdb-*.whl
CFLAGS="${CFLAGS:-} -g0" LDFLAGS="${LDFLAGS:-} -Wl,-s" VDB_INCLUDE_DIR=$PWD/include VDB_LIB_DIR=$PWD/build/lib \
	"$python" -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps --no-cache-dir -w "$folder" "$source"
