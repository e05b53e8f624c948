#!/usr/bin/env bash
# The properties of tests/properties on inputs that libFuzzer invents.
#
#   scripts/fuzz.sh [run] [TARGET...]    each target, or these, for FUZZ_SECONDS (60); fails on a finding
#   scripts/fuzz.sh keep                 after runs: makes the corpora small and keeps them in tests/data/kept
#
# It needs no nightly toolchain, but takes one that is there. With FUZZ_SANITIZER=address it looks for misuse of
# memory too.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
corpus=$PWD/fuzz/corpus
target_dir=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

main() {
    local action=${1:-run}
    shift || true
    choose_toolchain
    command -v cargo-fuzz >/dev/null || cargo install --locked --quiet cargo-fuzz
    TMPDIR=$(mktemp -d)
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
    case $action in
    run) run_all "$@" ;;
    keep) keep ;;
    *) fail "no such action: $action" ;;
    esac
}

choose_toolchain() {
    fuzz=(env RUSTC_BOOTSTRAP=1 cargo fuzz)
    if cargo +nightly --version >/dev/null 2>&1; then fuzz=(cargo +nightly fuzz); fi
}

run_all() {
    local targets=("$@")
    if [ $# = 0 ]; then mapfile -t targets < <("${fuzz[@]}" list); fi
    of_corpus seeds_are_written
    "${fuzz[@]}" build "${options[@]}"
    local found=0
    for target in "${targets[@]}"; do run "$target" || found=1; done
    return "$found"
}

# One line a target: how often, how far, and what was found.
run() {
    local log=$TMPDIR/$1.log
    local code=0
    "${fuzz[@]}" run "${options[@]}" "$1" "$corpus/$1" -- -max_total_time="$seconds" -max_len=4096 \
        -timeout=20 -dict=fuzz/words.dict -print_final_stats=1 -verbosity=1 >"$log" 2>&1 || code=$?
    local executions coverage
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "fuzz: $1: ${executions:-no} executions in $seconds s, ${coverage:-no} edges"
    if [ "$code" != 0 ]; then
        grep -A 4 "panicked at" "$log" >&2 || tail -n 40 "$log" >&2
        echo "fuzz: $1: found $(sed -n 's/.*Test unit written to //p' "$log")" >&2
    fi
    return "$code"
}

keep() {
    for target in $("${fuzz[@]}" list); do
        "${fuzz[@]}" cmin "${options[@]}" "$target" "$corpus/$target" >/dev/null 2>&1 ||
            fail "$target: its corpus can't be made smaller"
    done
    of_corpus inputs_are_kept
}

# A step that the tests of the properties do, with their own readers and writers.
of_corpus() {
    DOCKGATE_FUZZ_CORPUS=$corpus cargo test --quiet --test properties "$1" -- --ignored >/dev/null
}

options=(--sanitizer "${FUZZ_SANITIZER:-none}" --target-dir "$target_dir")

fail() {
    echo "fuzz: $*" >&2
    exit 1
}

main "$@"
