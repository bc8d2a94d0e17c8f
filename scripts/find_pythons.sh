#!/usr/bin/env bash
# Prints one usable Python interpreter per minor version from 3.11 on, as `3.11 /path/to/python3`,
# the preferred one first: what `python3` means here, then the newest. Looks on PATH and at pyenv's versions.
# Usable means: it can make a virtual environment (Debian splits that off as python3-venv).
set -euo pipefail

describe='
import sys
if sys.version_info < (3, 11): sys.exit(1)
import ensurepip, sqlite3, ssl, venv
print("%d.%d" % sys.version_info[:2], getattr(sys, "_base_executable", sys.executable))
'

candidates() {
    [[ -n "${PYTHON:-}" ]] && echo "$PYTHON"
    echo python3
    echo /usr/bin/python3
    local minor
    for minor in 14 13 12 11; do
        echo "python3.$minor"
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor"*/bin/python3 2>/dev/null | sort -rV || true
    done
}

if [[ -n "${PYTHON:-}" ]] && ! "$PYTHON" -c "$describe" >/dev/null 2>&1; then
    echo "PYTHON=$PYTHON is no Python >= 3.11 that can make a virtual environment." >&2
    exit 1
fi

seen=" "
while read -r candidate; do
    found=$("$candidate" -c "$describe" 2>/dev/null) || continue
    minor=${found%% *}
    [[ "$seen" == *" $minor "* ]] && continue
    seen+="$minor "
    echo "$found"
done < <(candidates)

if [[ "$seen" == " " ]]; then
    echo "No Python >= 3.11 that can make a virtual environment was found." >&2
    echo "  -> install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2
    exit 1
fi
