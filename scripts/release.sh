#!/usr/bin/env bash
# The release: HEAD, built twice as two strangers would, and of worth only if both got the same bytes.
#
#   scripts/release.sh           target/release-artifacts/: the binary, checksums, what is in it, whose it is
#                                (scripts/bill.py), and what it was built with
#   scripts/release.sh --check   the two builds and their comparison alone
#
# The binary is static, of the kind of scripts/image.sh's, and for this machine's processor: for another one,
# run it there. Same bytes need the same compiler, linker and C library: BUILD.txt names them. Another compiler
# than the newest: RUSTUP_TOOLCHAIN=1.95.0 scripts/release.sh
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    place=${CARGO_TARGET_DIR:-target}/release-artifacts
    sysroot=$(rustc --print sysroot)
    rustc=$(rustc -vV)
    target=$(said host)
    if commit=$(git rev-parse HEAD 2>/dev/null); then
        source_date=$(git log -1 --format=%ct)
        [ -z "$(git status --porcelain)" ] || say "what is not committed is not in it"
    else
        # An unpacked archive, or somebody else's checkout that git does not read.
        commit=none
        source_date=0
        say "no commit here: what is built is this directory"
    fi

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cargo vendor --quiet --locked --versioned-dirs "$work/vendor" >/dev/null

    # Another path, another home, other permissions, another language, another time.
    build "$work/a" 022 C UTC0 2000-01-01
    mv "$work/a/vendor" "$work/"
    build "$work/elsewhere/and deeper" 077 C.UTF-8 NPT-5:45 2030-06-15
    compare "$work/a/out" "$work/elsewhere/and deeper/out"
    no_path_of_this_machine "$work/a/out/dockgate"
    if [ "${1:-}" = --check ]; then return; fi
    hand_out "$work/a/out"
}

# build DIRECTORY UMASK LOCALE ZONE DATE: into DIRECTORY/out.
build() {
    local at=$1 locale=$3 zone=$4 date=$5 began=$SECONDS
    (
        umask "$2"
        mkdir -p "$at"/{source,home,cargo,out}
        mv "$work/vendor" "$at/"
        archive | tar -x -C "$at/source"
        find "$at/source" "$at/vendor" -exec touch --no-dereference --date "$date" {} +
        printf '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "%s"\n' \
            "$at/vendor" >"$at/cargo/config.toml"
        cd "$at/source"
        within cargo build --quiet --release --locked --bin dockgate --target "$target"
        cp "$at/target/$target/release/dockgate" "$at/out/"
        within python3 scripts/bill.py "$target" "$(libc)" "$at/out"
        how_it_was_built >"$at/out/BUILD.txt"
    )
    say "built in $((SECONDS - began)) s: $(sha256sum <"$at/out/dockgate")"
}

# What is to be built, as an archive.
archive() {
    if [ "$commit" != none ]; then
        git archive "$commit"
    else
        tar -c --exclude ./target --exclude ./fuzz/target .
    fi
}

# Nothing of the caller's environment, or of what his cargo is told to do, has a say in it.
within() {
    local flags=(-C target-feature=+crt-static
        "--remap-path-prefix=$at/source=/dockgate"
        "--remap-path-prefix=$at/vendor=/vendor"
        "--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$(said commit-hash)")
    env -i PATH="$sysroot/bin:$PATH" HOME="$at/home" CARGO_HOME="$at/cargo" \
        CARGO_TARGET_DIR="$at/target" CARGO_NET_OFFLINE=true \
        CARGO_ENCODED_RUSTFLAGS="$(IFS=$'\x1f' && echo "${flags[*]}")" \
        SOURCE_DATE_EPOCH="$source_date" LC_ALL="$locale" TZ="$zone" "$@"
}

# said WORD: that line of what rustc says of itself.
said() { sed -n "s/^$1: //p" <<<"$rustc"; }

# The C library that goes into the binary, as its package or it itself says.
libc() {
    dpkg-query --show --showformat '${Version}' libc6-dev 2>/dev/null ||
        ldd --version | sed -n '1s/.* //p'
}

how_it_was_built() {
    cat <<END
commit         $commit
source date    $source_date
target         $target
C library      glibc $(libc), static
linker         $(cc --version | head -n 1); $(ld --version | head -n 1)
to repeat      RUSTUP_TOOLCHAIN=$(said release) scripts/release.sh

$rustc
END
}

compare() {
    local file differing=
    for file in "$1"/*; do
        file=$(basename "$file")
        cmp "$1/$file" "$2/$file" || differing+=" $file"
    done
    [ -z "$differing" ] || fail "NOT REPRODUCIBLE: two builds of one commit differ:$differing"
    say "the same bytes twice: $(stat --format %s "$1/dockgate") of them"
}

no_path_of_this_machine() {
    local path home=${HOME%/}
    for path in "$work" "$sysroot/lib/rustlib" "${CARGO_HOME:-$HOME/.cargo}/"; do
        ! grep --quiet --text --fixed-strings -e "$path" "$1" || fail "the binary has the path $path in it"
    done
    # A home that is the root has no path of its own. The binary's own texts stand side by side and may look
    # like a path below it (`/root` and `/sbin`): what is a path is there.
    [ -n "$home" ] || return 0
    { grep --only-matching --text -E -e "${home//./\\.}/[[:alnum:]._-]+" "$1" || true; } | sort -u | while read -r path; do
        [ ! -e "$path" ] || fail "the binary has the path $path in it"
    done
}

hand_out() {
    rm -rf "$place"
    mkdir -p "$place"
    cp "$1"/* "$place/"
    (cd "$place" && sha256sum -- * >SHA256SUMS)
    say "$place has"
    ls "$place"
}

say() { echo "release: $*"; }

fail() {
    echo "release: $*" >&2
    exit 1
}

main "$@"
