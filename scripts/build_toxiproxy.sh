#!/usr/bin/env bash
# Builds the real toxiproxy-server into the user's cache folder and prints its path, for tests and benchmarks.
# Once built it answers at once.
set -euo pipefail
source "$(dirname "$0")/build_once.sh"

version=2.12.0
module=github.com/Shopify/toxiproxy/v2

build() {
    GOBIN="$work" go install -ldflags "-s -w -X $module.Version=$version" "$module/cmd/server@v$version"
    mv "$work/server" "$work/toxiproxy-server"
}

build_once toxiproxy-server
