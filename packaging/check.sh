# Read by the tests of this folder: `suite` names them, `work` is a scratch folder of theirs, `passed` and `failed` count.

# check NAME COMMAND...: run in an empty folder, in a shell that stops at the first failure.
check() {
	name=$1
	shift
	rm -rf "$work/here" && mkdir "$work/here"
	# Not inside an `if`, where -e would mean nothing.
	(
		cd "$work/here" || exit 1
		set -e
		"$@"
	) >"$work/output" 2>&1
	if [ $? -eq 0 ]; then
		passed=$((passed + 1))
		echo "test $suite/$name ... ok"
	else
		failed=$((failed + 1))
		cat "$work/output"
		echo "test $suite/$name ... FAILED"
	fi
}
