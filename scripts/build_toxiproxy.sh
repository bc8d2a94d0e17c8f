#!/usr/bin/env bash
# Builds the real toxiproxy-server into the user's cache folder and prints its path, for tests and benchmarks.
# Once built it answers at once. Two callers at the same time do not disturb each other: each builds in a
# folder of its own and moves the binary into place.
set -euo pipefail

version=2.12.0
module=github.com/Shopify/toxiproxy/v2

# Another script, machine type or home folder means another build.
key=$( (cat "$0"; uname -sm) | cksum | tr ' ' '-')
folder="${XDG_CACHE_HOME:-$HOME/.cache}/slochaos/$key"
binary="$folder/toxiproxy-server"

build() {
    work=$(mktemp -d "$folder/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "Building toxiproxy-server $version (once)" >&2
    # Unset what would put the binary, or build it for, somewhere else.
    env -u GOOS -u GOARCH GOBIN="$work" GOFLAGS= \
        go install -ldflags "-s -w -X $module.Version=$version" "$module/cmd/server@v$version" >&2
    mv "$work/server" "$binary"
}

if [[ ! -x $binary ]]; then
    if ! command -v go >/dev/null; then
        echo "No Go here: cannot build toxiproxy-server $version." >&2
        exit 1
    fi
    mkdir -p "$folder"
    build
fi
echo "$binary"
