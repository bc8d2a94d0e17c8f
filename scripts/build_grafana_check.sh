#!/usr/bin/env bash
# Builds the reader of dashboards (tests/grafana_check) into the user's cache folder and prints its path. It takes a
# minute once; after that, until its source changes, it answers at once.
set -euo pipefail
source "$(dirname "$0")/build_once.sh"

sources=$(cd "$(dirname "$0")/../tests/grafana_check" && pwd)

build() {
    go build -C "$sources" -ldflags "-s -w" -o "$work/grafana-check" .
}

build_once grafana-check "$sources"/*
