#!/bin/sh
# Tests of vdb.hpp: compiled as C++17 and C++20 with all warnings, run plain, with the address,
# undefined-behaviour and thread sanitizers, and under valgrind where there is one. Needs build/lib.
#
#   test.sh [COMPILER]
cd "$(dirname "$0")/../.." || exit 1
CXX=${1:-${CXX:-c++}}
if ! command -v "$CXX" >/dev/null; then
	echo "skipped: C++: no compiler $CXX"
	exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
flags="-g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Iinclude"
link="-Lbuild/lib -lvdb -lpthread -Wl,-rpath,$PWD/build/lib"
tests=bindings/cpp/tests

# result NAME STATUS: counts, and shows the output where it failed.
result() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "test cpp/$1 ... ok"
	else
		failed=$((failed + 1))
		cat "$work/output"
		echo "test cpp/$1 ... FAILED"
	fi
}

# compile NAME OPTIONS SOURCES
compile() {
	# shellcheck disable=SC2086
	$CXX $2 $flags $3 -o "$work/$1" $link >"$work/output" 2>&1
	result "compile_$1" $?
}

# check NAME COMMAND...: with an empty scratch folder as the last argument.
check() {
	name=$1
	shift
	rm -rf "$work/scratch" && mkdir "$work/scratch"
	"$@" "$work/scratch" >"$work/output" 2>&1
	result "$name" $?
}

vectors=bindings/testdata/*.json
behaviour="$tests/behaviour.cpp $tests/mistakes.cpp $tests/throwing.cpp"
compile replay17 -std=c++17 $tests/replay.cpp
compile replay20 "-std=c++20 -fsyntax-only" $tests/replay.cpp
compile behaviour17 -std=c++17 "$behaviour"
compile behaviour20 "-std=c++20 -fsanitize=address,undefined -fno-sanitize-recover" "$behaviour"
compile no_memory -std=c++17 $tests/no_memory.cpp
check no_memory "$work/no_memory"
check replay "$work/replay17" $vectors
check behaviour "$work/behaviour17"
check behaviour_sanitized env VDB_TEST_QUICK=1 "$work/behaviour20"
# The library itself is not made for the sanitizer, which would take its locks for none.
echo 'race:libvdb.so' >"$work/suppressed"
if echo 'int main() {}' | $CXX -x c++ -fsanitize=thread - -o "$work/tsan" 2>/dev/null && "$work/tsan" 2>/dev/null; then
	compile behaviour_threads "-std=c++17 -fsanitize=thread" "$behaviour"
	check behaviour_threads env VDB_TEST_QUICK=1 TSAN_OPTIONS=suppressions="$work/suppressed" "$work/behaviour_threads"
else
	echo "skipped: C++ data races: no sanitizer of threads"
fi
if command -v valgrind >/dev/null; then
	memcheck="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite"
	check replay_memory $memcheck "$work/replay17" $vectors
	check behaviour_memory env VDB_TEST_QUICK=1 $memcheck "$work/behaviour17"
else
	echo "skipped: C++ memory checks: no valgrind"
fi

# The code of the documentation, as one program, which can be run again where it left its files.
fenced() {
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/{/^\`\`\`/!p}" docs/cpp.md
}
fenced cpp >"$work/page"
fenced c++ | sed -e "/the code of this page/{r $work/page" -e 'd}' >"$work/docs.cpp"
compile docs "-std=c++17 -DNDEBUG" "$work/docs.cpp"
check docs sh -c 'cd "$1" && for round in first second; do "$0" >said && test "$(cat said)" = "row 10
row 30" && test -e rows.jsonl || exit 1; done' "$work/docs"

# The example on the bundled sample.
compile quickstart "-std=c++17 -O2" examples/quickstart.cpp
check quickstart sh -c '"$0" data/wordnet | grep -q "^0.270  drizzle" && ! "$0" "$1" 2>/dev/null' "$work/quickstart"
compile threads "-std=c++17 -O2" examples/threads.cpp
check threads sh -c '"$0" data/wordnet | grep -q "right$" && ! "$0" "$1"' "$work/threads"

# A function of the library that vdb.hpp does not call is forgotten.
every_function() {
	for function in $(nm -D --defined-only build/lib/libvdb.so | sed -n 's/.* T //p'); do
		# What is also there for a snapshot is called with one, or with none for the newest state.
		grep -qw -e "$function" -e "${function}_at" include/vdb.hpp include/vdb/*.hpp || { echo "vdb.hpp does not use $function" && return 1; }
	done
}
check every_function every_function

# A replayer that finds nothing wrong proves nothing.
sed 's/"deleted": 2/"deleted": 3/' bindings/testdata/answers.json >"$work/wrong.json"
check wrong_answers_are_noticed env -u VDB_REPLAY_OUT sh -c '! "$0" "$@"' "$work/replay17" "$work/wrong.json"

# An outcome that is dropped must not compile; a standard that is too old is told so.
echo '#include <vdb.hpp>
void f(vdbpp::Database &db) { db.sync(); }' >"$work/dropped.cpp"
check dropped_results_are_noticed sh -c '! "$@" 2>/dev/null' sh $CXX -std=c++17 -Werror -Iinclude -fsyntax-only "$work/dropped.cpp" -I
check old_standards_are_told sh -c '"$@" 2>&1 | grep "needs C++17 or later"' sh $CXX -std=c++14 -Iinclude -fsyntax-only "$work/dropped.cpp" -I

# Views with a name of what is gone by then: clang sees them, and has nothing against those in a call.
named() {
	echo "#include <vdb.hpp>
using namespace vdbpp;
using Pair = float[2];
std::vector<std::uint64_t> made();
void use(const void *);
void f(Database &db, SearchResult &found) { $1 }" | $CXX -std=c++17 -Werror -Iinclude -c -x c++ - -o "$work/named.o"
}
dangling_views() {
	named 'use(db.insert(made(), Pair{1, 2}).ok() ? &db : nullptr); Span<const std::uint64_t> v = found.ids_of(0); use(&v);' || return 1
	for view in 'Span<const std::uint64_t> v = made();' 'Span<const std::uint64_t> v = {1, 2};' 'const Rows v = Pair{1, 2};' \
		'Texts v = Texts::view("ab", made());' 'Span<const float> v = db.search({1}, 1)->distances_of(0);'; do
		if named "$view use(&v);"; then echo "compiled: $view" && return 1; fi
	done
}
if echo | $CXX -x c++ -dM -E - | grep -q __clang__; then
	check dangling_views_are_noticed dangling_views
else
	echo "skipped: C++ views of what is gone: only clang warns of them"
fi

verdict=ok
[ $failed -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ $failed -eq 0 ]
