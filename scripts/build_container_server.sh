#!/usr/bin/env bash
# Builds the server of the tests' containers (tests/container_server), one static binary, into the user's cache folder
# and prints its path. It takes seconds once; after that, until its source changes, it answers at once.
set -euo pipefail
source "$(dirname "$0")/build_once.sh"

sources=$(cd "$(dirname "$0")/../tests/container_server" && pwd)

build() {
    CGO_ENABLED=0 go build -C "$sources" -ldflags "-s -w" -o "$work/container-server" .
}

build_once container-server "$sources"/*
