# Sourced by the build_* scripts, which define `build`: it puts a program called $1 into the folder $work.
# `build_once NAME [SOURCE...]` prints the program's path in the user's cache folder, and builds it if it is not there.
# Two callers at the same time do not disturb each other: each builds in a folder of its own and moves the program
# into place. Another script, source, machine type or home folder means another build.
build_once() {
    local name=$1 key folder
    shift
    key=$( (cat "$0" "${BASH_SOURCE[0]}" "$@"; uname -sm) | cksum | tr ' ' '-')
    folder="${XDG_CACHE_HOME:-$HOME/.cache}/slochaos/$key"
    if [[ ! -x $folder/$name ]]; then
        if ! command -v go >/dev/null; then
            echo "No Go here: cannot build $name." >&2
            exit 1
        fi
        mkdir -p "$folder"
        work=$(mktemp -d "$folder/build.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        echo "Building $name (once)" >&2
        # Unset what would put the program, or build it for, somewhere else.
        unset GOOS GOARCH GOBIN
        GOFLAGS='' build >&2
        mv "$work/$name" "$folder/$name"
    fi
    echo "$folder/$name"
}
