#!/bin/sh
# Tests of the Python package: builds the wheel, installs it into an environment of
# its own, build/bindings/python, and runs the tests against what was installed. Needs build/lib.
#
#   test.sh [pytest arguments]
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
place=$root/build/bindings/python
venv=$place/venv

skip() {
	echo "skipped: Python: $1"
	exit 0
}

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || skip "no python3 of 3.9 or newer"
command -v "${CC:-cc}" >/dev/null || skip "no C compiler for the extension"
if [ ! -e "$venv/complete" ]; then
	rm -rf "$venv"
	"$python" -m venv "$venv" >/dev/null 2>&1 || skip "no venv module"
	"$venv/bin/python" -m pip install -q --disable-pip-version-check numpy pytest setuptools wheel mypy typing_extensions \
		>"$place/pip.log" 2>&1 || skip "pip could not install numpy and pytest: $(tail -1 "$place/pip.log")"
	# For one optional module, whose tests are skipped without.
	"$venv/bin/python" -m pip install -q --disable-pip-version-check langchain-core langchain-tests >>"$place/pip.log" 2>&1
	touch "$venv/complete"
fi

mkdir -p "$place/wheels"
rm -rf "$place/source" && cp -r bindings/python "$place/source"
bindings/python/wheel.sh "$place/wheels" "$venv/bin/python" >"$place/build.log" 2>&1 &&
	"$venv/bin/python" -m pip install -q --disable-pip-version-check --force-reinstall --no-deps "$place"/wheels/*.whl \
		>>"$place/build.log" 2>&1 || {
	cat "$place/build.log"
	echo "test python/wheel ... FAILED"
	echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
	exit 1
}
echo "built $(basename "$place"/wheels/*.whl)"

# In the copy's tests, so that `vdb` is the installed package. -rs names what was skipped.
cd "$place/source/tests" || exit 1
# Only the plugin that LangChain's tests need, and none of what else they bring along.
asyncio=$("$venv/bin/python" -c 'import pytest_asyncio' 2>/dev/null && echo "-p pytest_asyncio.plugin -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function")
# shellcheck disable=SC2086
PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 VDB_ROOT=$root VDB_TESTDATA=$root/bindings/testdata "$venv/bin/python" -m pytest -q -rs \
	-p no:cacheprovider --tb=short --disable-warnings $asyncio "$@" >"$place/pytest.log" 2>&1
status=$?
cat "$place/pytest.log"
count() {
	sed -n "s/.*[^0-9]\([0-9][0-9]*\) $1.*/\1/p" "$place/summary" | tail -1
}
{ printf ' ' && tail -1 "$place/pytest.log"; } >"$place/summary"
sed -n 's/^SKIPPED \[[0-9]*\] /skipped: Python: /p' "$place/pytest.log"
passed=$(count passed) failed=$(count failed) errors=$(count error)
failed=$((${failed:-0} + ${errors:-0}))
# An end without counts is a failure too.
[ $status -eq 0 ] || [ $failed -gt 0 ] || failed=1
verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. ${passed:-0} passed; $failed failed; 0 ignored"
exit $status
