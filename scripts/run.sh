#!/usr/bin/env bash
# The gate in front of this machine's Docker Engine, with a read-only policy unless the caller's environment says
# otherwise. An engine is installed and started if there is none; one that was started here ends with the gate.
set -euo pipefail
cd "$(dirname "$0")/.."

export SOCKET_PATH=${SOCKET_PATH:-/var/run/docker.sock}
export LISTEN=${LISTEN:-127.0.0.1:2375}
engine_log=$PWD/target/dockerd.log
engine_pid=

main() {
    scripts/setup.sh engine
    trap stop_engine EXIT
    answers || start_engine
    echo "run: building (the first time takes some minutes)"
    cargo build --release --quiet
    for variable in CONTAINERS IMAGES NETWORKS VOLUMES INFO SYSTEM; do
        export "$variable=${!variable-1}"
    done
    export POST=${POST-0}
    say_what_next
    # The gate ends on Ctrl-C by itself, and on SIGTERM when it is passed on; this shell has to outlive it to
    # tidy up.
    local gate=
    trap : INT
    trap '[ -z "$gate" ] || kill -TERM "$gate" 2>/dev/null || true' TERM
    "${CARGO_TARGET_DIR:-target}/release/dockgate" &
    gate=$!
    # A trapped signal ends `wait` early, so it is asked until the gate is gone.
    local code=0
    while kill -0 "$gate" 2>/dev/null; do
        wait "$gate" && code=0 || code=$?
    done
    return "$code"
}

answers() { docker -H "unix://$SOCKET_PATH" version >/dev/null 2>&1; }

answers_within() {
    local tenths
    for ((tenths = 0; tenths < $1 * 10; tenths++)); do
        if answers; then return 0; fi
        if [ -n "$engine_pid" ] && ! kill -0 "$engine_pid" 2>/dev/null; then return 1; fi
        sleep 0.1
    done
    return 1
}

start_engine() {
    [ "$(id -u)" = 0 ] || fail "no Docker Engine answers on $SOCKET_PATH; start it, or run this as root"
    echo "run: no Docker Engine answers on $SOCKET_PATH; starting one"
    if [ -d /run/systemd/system ] && systemctl start docker 2>/dev/null && answers_within 20; then return; fi
    mkdir -p target
    # Where the machine does not allow bridges or firewall rules, containers still run, without a network.
    local networking
    for networking in "" "--bridge=none --iptables=false"; do
        # A group of its own: Ctrl-C is for the gate, the engine follows later.
        # shellcheck disable=SC2086 # no word, or two
        setsid dockerd --host "unix://$SOCKET_PATH" $networking >"$engine_log" 2>&1 &
        engine_pid=$!
        if answers_within 30; then return; fi
        stop_engine
    done
    fail "dockerd does not start; its log is $engine_log"
}

stop_engine() {
    [ -n "$engine_pid" ] || return 0
    kill "$engine_pid" 2>/dev/null || true
    wait "$engine_pid" 2>/dev/null || true
    engine_pid=
}

say_what_next() {
    cat <<END

The gate is about to listen on $LISTEN, read-only. In another terminal:

    export DOCKER_HOST=tcp://$LISTEN
    docker ps                   allowed: CONTAINERS=1
    docker run --rm hello-world refused, and the answer names the variable to set: POST=1

To allow more, name it:   POST=1 EXEC=1 make run
To end:                   Ctrl-C

END
}

fail() {
    echo "run: $*" >&2
    exit 1
}

main
