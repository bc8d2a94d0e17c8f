#!/usr/bin/env bash
# Makes or refreshes one virtual environment with slochaos installed from this checkout.
#   make_venv.sh FOLDER PYTHON user   slochaos and its demo system
#   make_venv.sh FOLDER PYTHON dev    the same, and what tests and checks need
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1 python=$2 kind=$3

# A folder whose interpreter is gone or is another version is made anew.
wanted=$("$python" -c 'import sys; print(sys.version_info[:3])')
if [[ "$("$folder/bin/python" -c 'import sys; print(sys.version_info[:3])' 2>/dev/null)" != "$wanted" ]]; then
    echo "Making $folder with $python"
    rm -rf "$folder"
    "$python" -m venv "$folder"
fi

pip=("$folder/bin/python" -m pip --disable-pip-version-check --quiet)
if [[ "$kind" == dev ]]; then
    # Older pips do not know dependency groups (--group).
    "${pip[@]}" install --upgrade "pip>=25.1"
    echo "Installing slochaos, its demo system and the development tools into $folder"
    "${pip[@]}" install --editable ".[local]" --group dev
else
    echo "Installing slochaos and its demo system into $folder"
    "${pip[@]}" install --editable ".[local]"
fi
