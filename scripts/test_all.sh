#!/usr/bin/env bash
# Runs all tests but the soak on the given Python, and beside them, with what CPU time they leave, the fast ones on
# the others: tests on real servers wait more than they work. The others' output comes in one piece, at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

others=$(mktemp)
trap 'kill "${beside:-}" 2>/dev/null || true; rm -f "$others"' EXIT
nice -n 19 scripts/test_other_pythons.sh >"$others" 2>&1 &
beside=$!

failed=0
"$1" -m pytest -m "not soak" --durations=30 || failed=1
wait "$beside" || failed=1
beside=
cat "$others"
exit "$failed"
