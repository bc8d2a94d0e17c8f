#!/usr/bin/env bash
# Puts a real Prometheus and its relatives into the user's cache folder and prints that folder, for tests and
# benchmarks: prometheus, promtool, amtool, node_exporter and, where they can be had, alertmanager,
# blackbox_exporter and pushgateway. Installs nothing on the system and starts nothing. What is on PATH is used as it is; then
# Debian's packages are unpacked (not installed); then Go builds what is still missing, which takes minutes.
# Once there it answers at once; `--look` fetches nothing, and fails where something is missing. Two callers at the
# same time do not disturb each other: each works in a folder of its own and moves the binaries into place.
set -euo pipefail

needed=(prometheus promtool amtool node_exporter)
wished=(alertmanager blackbox_exporter pushgateway)
packages=(prometheus prometheus-alertmanager prometheus-node-exporter prometheus-blackbox-exporter
    prometheus-pushgateway)

# Another script, machine type or home folder means other binaries.
key=$( (cat "$0"; uname -sm) | cksum | tr ' ' '-')
folder="${XDG_CACHE_HOME:-$HOME/.cache}/slochaos/$key"

missing() {
    local name
    for name in "$@"; do
        [[ -x $folder/$name ]] || echo "$name"
    done
}

# Debian's names: prometheus-alertmanager, prometheus-node-exporter.
debian_name() {
    case $1 in
    alertmanager | pushgateway | *_exporter) echo "prometheus-${1//_/-}" ;;
    *) echo "$1" ;;
    esac
}

link_from_path() {
    local name found
    for name in $(missing "${needed[@]}" "${wished[@]}"); do
        found=$(command -v "$name" || command -v "$(debian_name "$name")") || continue
        ln -sf "$found" "$folder/$name"
    done
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

unpack_from_debian() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 0
    apt-cache show "${packages[@]}" >/dev/null 2>&1 || as_root apt-get update -qq >&2 || return 0
    echo "Getting ${packages[*]} from Debian, without installing them (once)" >&2
    (cd "$work" && apt-get download -qq "${packages[@]}" >&2) || return 0
    local package name
    for package in "$work"/*.deb; do
        dpkg -x "$package" "$work/unpacked"
    done
    # Debian's Alertmanager reads its default template from there, so that it only runs installed.
    [[ -e /usr/share/prometheus/alertmanager/default.tmpl ]] || rm -f "$work/unpacked/usr/bin/prometheus-alertmanager"
    for name in $(missing "${needed[@]}" "${wished[@]}"); do
        mv "$work/unpacked/usr/bin/$(debian_name "$name")" "$folder/$name" 2>/dev/null || true
    done
}

go_package() {
    case $1 in
    prometheus | promtool) echo "github.com/prometheus/prometheus/cmd/$1@v0.316.0" ;;
    alertmanager | amtool) echo "github.com/prometheus/alertmanager/cmd/$1@v0.31.1" ;;
    node_exporter) echo "github.com/prometheus/node_exporter@v1.12.1" ;;
    esac
}

build_with_go() {
    command -v go >/dev/null || return 0
    local name
    for name in $(missing "${needed[@]}" alertmanager); do
        echo "Building $name (once; Prometheus itself takes ten minutes)" >&2
        # Unset what would put the binary, or build it for, somewhere else.
        env -u GOOS -u GOARCH GOBIN="$work" GOFLAGS= go install -ldflags "-s -w" "$(go_package "$name")" >&2 || continue
        mv "$work/$name" "$folder/$name"
    done
}

if [[ -n $(missing "${needed[@]}") && ${1:-} != --look ]]; then
    mkdir -p "$folder"
    work=$(mktemp -d "$folder/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    link_from_path
    [[ -z $(missing "${needed[@]}") ]] || unpack_from_debian
    [[ -z $(missing "${needed[@]}" alertmanager) ]] || build_with_go
fi
if [[ -n $(missing "${needed[@]}") ]]; then
    echo "No real Prometheus here: cannot get $(missing "${needed[@]}" | paste -sd ' ' -)." \
        "Put them on PATH, or have apt-get or Go." >&2
    exit 1
fi
echo "$folder"
