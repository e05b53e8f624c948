#!/usr/bin/env bash
# Installs what is missing on Debian or Ubuntu, Rust excepted. It changes nothing where everything is there already.
#
#   scripts/setup.sh engine   what `make run` needs: Docker Engine and its client
#   scripts/setup.sh          that, the clients that the tests drive, and trees with newer engines
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    command -v cargo >/dev/null || fail "Rust is not installed (there is no cargo in the PATH); install it with rustup, in the version of Cargo.toml (rust-version) or newer"
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
        if is_debian; then wants mmdebstrap -- command -v mmdebstrap; fi
    fi
    install_packages
    # From Debian 13 on the client is a package of its own.
    packages=()
    wants docker-cli -- test -x /usr/bin/docker
    install_packages
    if [ "${1:-all}" = all ]; then
        install_clients
        make_engine_trees
    fi
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

# Debian releases with newer engines than this machine's, each in a directory of its own: outside of target/, so that
# `cargo clean` and a fresh clone leave them. Where one can't be made its trials are skipped, which CI takes for a failure.
make_engine_trees() {
    local packages=docker.io,docker-cli,docker-compose,docker-buildx,containerd,runc
    packages+=,busybox-static,iproute2,iptables,procps,git
    make_tree 26 trixie "$packages"
    make_tree 28 forky "$packages,podman"
}

# make_tree MAJOR SUITE PACKAGES: the tree with this major version of Docker Engine.
make_tree() {
    local name=$1 suite=$2 packages=$3
    local place=${XDG_CACHE_HOME:-$HOME/.cache}/dockgate/engines
    local tree=$place/$name made_from="$suite $packages"
    if [ "$(cat "$tree/made-from" 2>/dev/null)" = "$made_from" ]; then return 0; fi
    local mirror
    if ! mirror=$(debian_mirror) || [ "$(id -u)" != 0 ]; then
        say "NO TREE FOR ENGINE $name: that takes root on Debian with mmdebstrap; its trials will be skipped" >&2
        return 0
    fi
    mkdir -p "$place"
    # Two that are started at once must not build in the same place.
    exec 9>"$place/lock"
    flock 9
    if [ "$(cat "$tree/made-from" 2>/dev/null)" = "$made_from" ]; then return 0; fi
    say "making $tree from Debian's $suite (a minute, 800 MB)"
    rm -rf "$tree.partial" "$tree.old"
    # A mirror may be a copy of one day.
    if ! mmdebstrap --quiet --variant=essential --aptopt='Acquire::Check-Valid-Until "false"' \
        --include="$packages" "$suite" "$tree.partial" "$mirror"; then
        rm -rf "$tree.partial"
        say "NO TREE FOR ENGINE $name: mmdebstrap failed; its trials will be skipped" >&2
        return 0
    fi
    local version
    version=$(chroot "$tree.partial" dockerd --version)
    case $version in
        "Docker version $name."*) ;;
        *) fail "Debian's $suite has $version, and not $name: tests/real_daemon/engine.rs needs a line for it" ;;
    esac
    echo "$made_from" >"$tree.partial/made-from"
    if [ -e "$tree" ]; then mv "$tree" "$tree.old"; fi
    mv "$tree.partial" "$tree"
    rm -rf "$tree.old"
    exec 9>&-
}

is_debian() { (. /etc/os-release && [ "$ID" = debian ]) 2>/dev/null; }

# Where this machine has its own packages from.
debian_mirror() {
    is_debian && command -v mmdebstrap >/dev/null || return 1
    # Where apt has no lists yet it can't tell which of its sources is Debian's.
    apt_sources | grep -q . || apt-get update -qq >/dev/null
    apt_sources | head -n 1 | grep .
}

apt_sources() {
    # shellcheck disable=SC2016 # apt's own placeholder
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u
}

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

main "$@"
