#!/usr/bin/env bash
# Installs what is missing on Debian or Ubuntu, Rust excepted. It changes nothing where everything is there already.
#
#   scripts/setup.sh engine   what `make run` needs: Docker Engine and its client
#   scripts/setup.sh          that, and the clients that the tests drive
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    command -v cargo >/dev/null || fail "Rust is not installed (there is no cargo in the PATH)"
    packages=()
    wants gcc libc6-dev -- command -v cc
    wants docker.io -- test -x /usr/sbin/dockerd
    if [ "${1:-all}" = all ]; then
        # What fuzzes is written in C++.
        wants g++ -- command -v c++
        wants podman -- test -x /usr/bin/podman
        wants docker-compose -- test -x /usr/bin/docker-compose
        wants busybox-static -- test -x /bin/busybox
        wants python3 python3-venv -- python3 -c 'import ensurepip, venv'
        wants nodejs -- command -v node
        # Some builds of nodejs bring npm along, Debian's does not.
        wants npm -- command -v npm
        # What is told to it is read by it, and by promtool.
        wants prometheus -- command -v prometheus
    fi
    install_packages
    # From Debian 13 on the client is a package of its own.
    packages=()
    wants docker-cli -- test -x /usr/bin/docker
    install_packages
    if [ "${1:-all}" = all ]; then install_clients; fi
}

# wants PACKAGE... -- CHECK...: the packages are to be installed unless the check succeeds.
wants() {
    local names=()
    while [ "$1" != -- ]; do
        names+=("$1")
        shift
    done
    shift
    "$@" >/dev/null 2>&1 || packages+=("${names[@]}")
}

install_packages() {
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "this machine has no apt-get; please install: ${packages[*]}"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "neither root nor sudo; please install: ${packages[*]}"
        as_root=(sudo)
    fi
    say "installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null ||
        fail "apt-get could not install ${packages[*]}"
}

# docker-py and dockerode, into target/ so that nothing outside of it changes.
install_clients() {
    local wanted=tests/clients/requirements.txt place=target/clients
    local stamp=$place/installed
    if [ "$(cat "$wanted" tests/clients/package.json)" = "$(cat "$stamp" 2>/dev/null)" ]; then return 0; fi
    rm -rf "$place"
    mkdir -p "$place"
    say "installing docker-py"
    python3 -m venv "$place/venv" || fail "python3 could not make a virtual environment"
    "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" || fail "pip could not install docker-py"
    say "installing dockerode"
    cp tests/clients/package.json "$place/"
    npm install --prefix "$place" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
        fail "npm could not install dockerode"
    cat "$wanted" tests/clients/package.json >"$stamp"
}

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

main "$@"
