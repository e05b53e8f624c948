#!/usr/bin/env bash
# The image, with a binary that is compiled on this machine: no registry is asked.
#
#   scripts/image.sh [TAG]       builds the binary and the image (dockgate, unless TAG says otherwise)
#   scripts/image.sh --binary    builds target/image/dockgate alone
set -euo pipefail
cd "$(dirname "$0")/.."

binary=target/image/dockgate
# The binary is nearly all of it.
bytes_max=4000000

main() {
    build_binary
    if [ "${1:-}" = --binary ]; then return; fi
    # The old builder is in every engine; nothing here needs the new one.
    DOCKER_BUILDKIT=0 docker build --quiet --target prebuilt --build-arg "BINARY=$binary" \
        --tag "${1:-dockgate}" . >/dev/null
    local bytes
    bytes=$(docker image inspect --format '{{.Size}}' "${1:-dockgate}")
    echo "image: ${1:-dockgate} has $bytes bytes"
    [ "$bytes" -le $bytes_max ] || fail "that is more than $bytes_max"
}

# Static: the image has no libc. glibc's own look-ups, which would load plug-ins, are not used.
build_binary() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --quiet --release --locked --bin dockgate --target "$host"
    mkdir -p "$(dirname "$binary")"
    cp "${CARGO_TARGET_DIR:-target}/$host/release/dockgate" "$binary.new"
    # At once, for a build that reads it meanwhile.
    mv "$binary.new" "$binary"
}

fail() {
    echo "image: $*" >&2
    exit 1
}

main "$@"
