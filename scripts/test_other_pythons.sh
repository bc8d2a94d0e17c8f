#!/usr/bin/env bash
# Runs the fast tests on the oldest and the newest Python other than the preferred one: all of tests/unit,
# and the tests marked every_python (among them those for both generations of Chaos Toolkit).
set -euo pipefail
cd "$(dirname "$0")/.."

others=$(scripts/find_pythons.sh | sed 1d | sort -V)
if [[ -z "$others" ]]; then
    echo "There is no second Python >= 3.11 here: nothing more to test."
    exit 0
fi

printf '%s\n' "$others" | sed -n '1p;$p' | uniq | while read -r minor python; do
    echo "== Fast tests on Python $minor"
    venv=.venv-$minor
    if [[ ! "$venv/.installed-dev" -nt pyproject.toml ]]; then
        scripts/make_venv.sh "$venv" "$python" dev
        touch "$venv/.installed-dev"
    fi
    "$venv/bin/python" -m pytest --quiet tests/unit </dev/null
    "$venv/bin/python" -m pytest --quiet -m every_python tests/integration tests/e2e </dev/null
done
