#!/usr/bin/env bash
# The gate beside its peers: installs what is missing on Debian or Ubuntu, and runs benches/peers.
#
#   scripts/peers.sh compare [--rounds=N] [--only=ping,echo] [--unpinned] [ALSO...]
#   scripts/peers.sh syscalls [ALSO...]       as root, or where a process may trace its siblings
#   scripts/peers.sh instructions [--update] [--only=ping,echo]       the gate alone
#
# ALSO: --gate=PATH, another build of the gate, or --subject="A=1 B=2", the gate with other settings.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    packages=()
    case ${1:-} in
        instructions) wants valgrind ;;
        syscalls) wants haproxy; wants strace ;;
        *) wants haproxy ;;
    esac
    install_packages
    cargo bench --quiet --bench peers -- "$@"
}

# Debian has daemons where only root looks.
wants() { PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || packages+=("$1"); }

install_packages() {
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "this machine has no apt-get; please install: ${packages[*]}"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
    echo "peers: installing ${packages[*]}" >&2
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null ||
        fail "apt-get could not install ${packages[*]}"
}

fail() {
    echo "peers: $*" >&2
    exit 1
}

main "$@"
