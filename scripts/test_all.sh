#!/usr/bin/env bash
# Runs all tests but the soak on the given Python, in two halves at the same time: tests on real servers wait more than
# they work. With what CPU time these leave, the fast ones run on the other Pythons. Each part's output comes in one
# piece. Tests of faults that use up this host share its locks, so they are all in one half.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1
on_this_host=(tests/e2e/test_host_experiments.py tests/e2e/test_kill_every_fault.py)

outputs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$outputs"' EXIT

run_tests() { "$python" -m pytest -m "not soak" --durations=20 "$@"; }

run_tests tests/e2e tests/compatibility "${on_this_host[@]/#/--ignore=}" >"$outputs/commands" 2>&1 &
commands=$!
nice -n 19 scripts/test_other_pythons.sh >"$outputs/others" 2>&1 &
others=$!

failed=0
run_tests tests/unit tests/integration "${on_this_host[@]}" || failed=1
wait "$commands" || failed=1
cat "$outputs/commands"
wait "$others" || failed=1
cat "$outputs/others"
exit "$failed"
