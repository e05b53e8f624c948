//! The gate as a container of the engine that it serves: nobody gets behind it through that.

use crate::Proof;
use crate::image;

pub const PROOFS: &[Proof] =
    &[("the gate in a container is closed from within, and what is beside it is not", |lab| {
        image::play(lab, CLOSED)
    })];

/// The gate's host paths are below directories that are allowed; only what is the gate's own is in the
/// way.
const CLOSED: &str = r#"
    mkdir listen
    echo kept >file
    docker network create --internal net >/dev/null
    docker volume create trail >/dev/null
    docker run --detach --name gate --network net --volume "$SOCKET:/var/run/docker.sock:ro" \
        --volume "$PWD/listen:/run/gate" --volume trail:/trail --env LISTEN=unix:///run/gate/gate.sock \
        --env LISTEN_SOCKET_MODE=0666 --env CONTAINERS=1 --env EXEC=1 --env IMAGES=1 --env NETWORKS=1 --env VOLUMES=1 \
        --env COMMIT=1 --env POST=1 --env ALLOW_VOLUMES_FROM=1 --env ALLOW_CONTAINER_NAMESPACES=network,pid,ipc \
        --env ALLOW_BIND_MOUNTS=/ --env 'ENGINE_FIXED=*' dockgate:trial >/dev/null
    state() { docker inspect --format '{{.Id}} {{.Name}} {{.State.Running}} {{.State.StartedAt}} {{.HostConfig.Memory}} {{.ExecIDs}} {{.NetworkSettings.Networks.net.NetworkID}}' gate; }
    state >before
    for _ in $(seq 100); do docker logs gate 2>&1 | grep -q 'running in container "gate"' && break; sleep 0.1; done
    docker logs gate 2>&1 | grep 'running in container "gate"'
    export DOCKER_HOST=unix://$PWD/listen/gate.sock
    refused() {
        if "${@:2}" >said 2>&1 || ! grep -q "$1" said; then
            echo "not refused: ${*:2}: $(cat said)" >&2
            exit 1
        fi
    }
    closed() { refused ALLOW_GATE=1 "$@"; }
    id=$(cut -d ' ' -f 1 before)
    for name in gate "$id" "${id:0:12}" "${id:0:6}"; do
        closed docker stop -t 0 "$name"
        closed docker kill "$name"
        closed docker restart -t 0 "$name"
        closed docker pause "$name"
        closed docker rename "$name" other
        closed docker rm -f "$name"
        closed docker update --memory 64m "$name"
        closed docker exec "$name" /dockgate --version
        closed docker exec -u 0 -e ADMISSION=off -e LISTEN=:2376 "$name" /dockgate
        # The client shows the status alone.
        refused 403 docker attach --no-stdin "$name"
        closed docker cp file "$name:/dockgate"
        refused . docker cp "$name:/dockgate" copied
        [ ! -e copied ]
        closed docker network disconnect net "$name"
        closed docker network disconnect -f net "$name"
        closed docker network connect none "$name"
        closed docker commit "$name" taken
        closed docker create --network none --volumes-from "$name" bb
        closed docker create --network none --volumes-from "$name:ro" bb
        for namespace in network pid ipc; do closed docker create "--$namespace" "container:$name" bb; done
    done
    closed docker create --name gate bb
    for mount in "$SOCKET" "$(dirname "$SOCKET")" "$PWD/listen" "$PWD/./listen/gate.sock" "$PWD"; do
        refused ALLOW_BIND_MOUNTS docker create --network none --volume "$mount:/x:ro" bb
    done
    refused ALLOW_BIND_MOUNTS docker create --network none --volume trail:/x:ro bb
    docker run --detach --name web --network net --volume data:/data --volume "$PWD/file:/file:ro" bb sleep 300 >/dev/null
    docker exec web true
    docker cp file web:/tmp/file
    docker cp web:/tmp/file - >/dev/null
    docker network disconnect net web
    docker commit web taken >/dev/null
    docker create --name second --network none --volumes-from web bb >/dev/null
    docker create --name third --pid container:web --ipc none --network none bb >/dev/null
    docker update --memory 64m --memory-swap 64m web >/dev/null
    docker rename web other
    docker restart -t 0 other >/dev/null
    docker stop -t 0 other >/dev/null
    docker rm other second third >/dev/null
    state | diff before -
"#;
