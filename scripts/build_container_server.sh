#!/usr/bin/env bash
# Builds the server of the tests' containers (tests/container_server), one static binary, into the user's cache folder
# and prints its path. It takes seconds once; after that, until its source changes, it answers at once.
set -euo pipefail

source=$(cd "$(dirname "$0")/../tests/container_server" && pwd)
key=$( (cat "$source"/* "$0"; uname -sm) | cksum | tr ' ' '-')
folder="${XDG_CACHE_HOME:-$HOME/.cache}/slochaos/$key"
binary="$folder/container-server"

build() {
    work=$(mktemp -d "$folder/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "Building container-server (once)" >&2
    env -u GOOS -u GOARCH GOFLAGS= CGO_ENABLED=0 \
        go build -C "$source" -ldflags "-s -w" -o "$work/container-server" . >&2
    mv "$work/container-server" "$binary"
}

if [[ ! -x $binary ]]; then
    if ! command -v go >/dev/null; then
        echo "No Go here: cannot build container-server." >&2
        exit 1
    fi
    mkdir -p "$folder"
    build
fi
echo "$binary"
