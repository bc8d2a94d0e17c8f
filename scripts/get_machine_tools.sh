#!/usr/bin/env bash
# Puts what the tests of machine faults need into the user's cache folder and prints that folder: put its bin/ first
# on PATH. A Docker engine, ip, tc, iptables, nft, stress-ng, iperf3, a static busybox and user-mode-linux with its
# modules (modules/ there). Installs nothing on the system and starts nothing: what is on PATH is used as it is, the
# rest is Debian's packages, unpacked. A program that needs an unpacked library gets a wrapper that says where it is.
# Once there it answers at once; `--look` fetches nothing, and fails where something is missing. Two callers at the
# same time do not disturb each other: each works in a folder of its own and moves it into place.
set -euo pipefail

declare -A package_of=(
    [dockerd]=docker.io [containerd]=containerd [runc]=runc
    [ip]=iproute2 [tc]=iproute2 [iptables]=iptables [nft]=nftables
    [stress-ng]=stress-ng [iperf3]=iperf3 [busybox-static]=busybox-static [linux.uml]=user-mode-linux [modprobe]=kmod
)

# Another script, machine type or home folder means other programs.
key=$( (cat "$0"; uname -sm) | cksum | tr ' ' '-')
folder="${XDG_CACHE_HOME:-$HOME/.cache}/slochaos/$key"

fail() {
    echo "No tools for machine faults here: $1" >&2
    exit 1
}

# The packages that are not here, with what they need and this machine lacks.
missing_packages() {
    local tool wanted=()
    for tool in "${!package_of[@]}"; do
        command -v "$tool" >/dev/null || wanted+=("${package_of[$tool]}")
    done
    ((${#wanted[@]})) || return 0
    apt-get --simulate --no-install-recommends install "${wanted[@]}" | awk '/^Inst / {print $2}'
}

download() {
    local packages
    packages=$(missing_packages 2>/dev/null) || return 1
    [[ -n $packages ]] || return 0
    echo "Getting ${packages//$'\n'/ } from Debian, without installing them (once)" >&2
    # shellcheck disable=SC2086 # one argument each
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root $packages >&2)
}

unpack_from_debian() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "only Debian's packages are known to it."
    # The lists of packages may be missing, or name versions that are gone.
    download || { apt-get update -qq >&2 && download; } || fail "apt-get cannot get ${package_of[*]}."
    local package
    for package in "$work"/*.deb; do
        [[ -e $package ]] || return 0 # all of it was installed
        dpkg -x "$package" "$work/tools/debian"
        rm "$package"
    done
    local link
    find "$work/tools/debian" -type l -lname '/*' | while read -r link; do
        ln -sfr "$work/tools/debian$(readlink "$link")" "$link"
    done
}

# Enters the unpacked program $1 in bin/ under the name $2. A static one as it is: Docker mounts its init elsewhere.
enter() {
    local path=$folder/${1#"$work/tools/"} entry=$work/tools/bin/$2
    if ! ldd "$1" >/dev/null 2>&1; then
        ln -sf "$path" "$entry"
        return
    fi
    cat >"$entry" <<END
#!/bin/sh
export LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" XTABLES_LIBDIR="$libraries/xtables"
exec "$path" "\$@"
END
    chmod 755 "$entry"
}

enter_all() {
    local program name libraries
    libraries=$(cd "$work/tools" && echo debian/usr/lib/*-linux-gnu*)
    libraries=$folder/$libraries
    for program in "$work"/tools/debian/{,usr/}{bin,sbin}/*; do
        name=$(basename "$program")
        [[ $name == busybox ]] && name=busybox-static # another package's busybox may need libraries
        [[ ! -x $program ]] || command -v "$name" >/dev/null || enter "$program" "$name"
    done
    # What Debian's alternatives do at installation.
    for name in {ip,ip6}tables{,-save,-restore}; do
        program=$work/tools/debian/usr/sbin/${name/tables/tables-nft}
        [[ ! -x $program ]] || command -v "$name" >/dev/null || enter "$program" "$name"
    done
    if ! ldd /bin/busybox >/dev/null 2>&1 && [[ -x /bin/busybox && ! -e $work/tools/bin/busybox-static ]]; then
        ln -s /bin/busybox "$work/tools/bin/busybox-static"
    fi
    if [[ -d $work/tools/debian/usr/lib/uml/modules ]]; then
        ln -s "$folder/debian/usr/lib/uml/modules" "$work/tools/modules"
    else
        ln -s /usr/lib/uml/modules "$work/tools/modules"
    fi
}

# What is neither on PATH nor in the bin/ of folder $1. Also asked of a full folder: a package may be removed later.
missing_tools() {
    local tool
    for tool in "${!package_of[@]}"; do
        [[ -x $1/bin/$tool ]] || command -v "$tool" >/dev/null || echo "$tool"
    done
}

if [[ -n $(missing_tools "$folder") ]]; then
    [[ ${1:-} != --look ]] || fail "$(missing_tools "$folder" | paste -sd ' ' -) not fetched yet, which $0 does."
    [[ $(uname -s) == Linux ]] || fail "they are for Linux."
    ((EUID == 0)) || fail "the faults that they make need root."
    mkdir -p "$(dirname "$folder")"
    work=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/tools/bin"
    unpack_from_debian
    enter_all
    # Of two callers, the last one's stay: they have the same.
    [[ ! -d $folder ]] || mv -T "$folder" "$work/before" 2>/dev/null || true
    mv -T "$work/tools" "$folder" 2>/dev/null || true
    [[ -z $(missing_tools "$folder") ]] ||
        fail "Debian's packages brought no $(missing_tools "$folder" | paste -sd ' ' -)."
fi
echo "$folder"
