//! The image as users run it: built by the engine out of a static binary, started by docker-compose with the service that
//! they have, hardened as far as the engine goes, and found healthy from inside, where there is no shell.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;

use crate::Proof;
use crate::lab::{self, Lab};
use crate::process::run_within;

/// The static binary is compiled from nothing, on two processors in less than a minute.
const BUILD: Duration = Duration::from_secs(600);

pub const PROOFS: &[Proof] = &[
    ("the image is small and holds one binary", |lab| play(lab, CONTENT)),
    ("the Dockerfile compiles in the image that is named", |lab| play(lab, DOCKERFILE)),
    ("an existing compose service works with the image's name changed", |lab| play(lab, COMPOSE)),
    ("its health is seen from inside and said in words", |lab| play(lab, HEALTH)),
    ("the hardened image is healthy", |lab| play(lab, HARDENED)),
    ("its seccomp profile is enough, however it is started", |lab| play(lab, SECCOMP)),
];

/// 2.3 MB when this was written.
const CONTENT: &str = r#"
    size=$(docker image inspect --format '{{.Size}}' dockgate:trial)
    [ "$size" -le 4000000 ] || { echo "the image has $size bytes" >&2; exit 1; }
    docker create --name content --network none dockgate:trial >/dev/null
    docker export content | tar -t | grep -vE '^(dev|etc|proc|sys)/|^.dockerenv$' | sort >list
    printf 'bin/\nbin/wget\ndockgate\n' | diff - list
    docker run --rm --network none dockgate:trial --version | grep -q ^dockgate
"#;

/// No registry is asked here, so the toolchain is a stand-in: the steps around it are what is tried.
const DOCKERFILE: &str = r#"
    mkdir -p toolchain
    printf '#!/bin/sh\necho "host: here"\n' >toolchain/rustc
    cat >toolchain/cargo <<'END'
#!/bin/sh -e
[ "$*" = "build --release --locked --bin dockgate --target here" ]
[ "$RUSTFLAGS" = "-C target-feature=+crt-static" ]
ls Cargo.toml Cargo.lock src/main.rs tests/wire/main.rs benches/judge.rs
mkdir -p target/here/release
cp /bin/busybox target/here/release/dockgate
END
    chmod +x toolchain/*
    printf 'FROM bb\nCOPY toolchain /bin/\n' >Dockerfile
    export DOCKER_BUILDKIT=0
    docker build --quiet --tag toolchain . >/dev/null
    docker build --quiet --network none --build-arg RUST_IMAGE=toolchain --tag compiled "$REPOSITORY" >/dev/null
    docker create --name compiled --network none compiled >/dev/null
    docker export compiled | tar -t | grep -vE '^(dev|etc|proc|sys)/|^.dockerenv$' | sort >list
    printf 'bin/\nbin/wget\ndockgate\n' | diff - list
    docker image inspect --format '{{.Config.Entrypoint}} {{.Config.Env}} {{.Config.Healthcheck.Test}}' compiled >said
    grep '^\[/dockgate\] .*LISTEN=:2375\] \[CMD /dockgate healthcheck\]$' said || { cat said >&2; exit 1; }
"#;

const COMPOSE: &str = r#"
    compose() { docker-compose -p trial -f "$CLIENTS/compose/image.yml" "$@"; }
    compose up -d
    [ "$(docker wait trial_client_1)" = 1 ]
    docker logs trial_client_1 >said 2>&1
    grep -q listed said
    grep -q '403 Forbidden' said
    compose logs docker-socket-proxy | grep -q 'SwarmInspect needs SWARM=1'
    compose down
"#;

/// `gate OPTION...` starts it; `healthy` waits until Docker says so; `ends CODE WORDS COMMAND...` inside of it.
const FUNCTIONS: &str = r#"
    gate() {
        docker run --detach --name gate --network none --health-interval 0.5s \
            --volume "$SOCKET:/var/run/docker.sock:ro" "$@" dockgate:trial >/dev/null
    }
    healthy() {
        for _ in $(seq 100); do
            case $(docker inspect --format '{{.State.Health.Status}}' gate) in
                healthy) return ;;
                unhealthy) break ;;
            esac
            sleep 0.1
        done
        docker inspect --format '{{json .State}}' gate >&2
        docker logs gate >&2
        return 1
    }
    inside() { docker exec gate "$@"; }
    ends() {
        local code=0
        inside "${@:3}" 2>said || code=$?
        [ "$code" = "$1" ] && grep -q "$2" said || { echo "$* ended with $code: $(cat said)" >&2; return 1; }
    }
"#;

const HEALTH: &str = r"
    gate
    healthy
    inside wget -q --spider http://localhost:2375/version
    inside wget --quiet --tries=1 --spider http://127.0.0.1:2375/_ping
    inside wget -qO- http://localhost:2375/_ping | grep -qx OK
    ends 8 'needs INFO=1' wget -q --spider http://localhost:2375/info
    ends 4 'no gate is listening' wget -q --spider http://localhost:2376/
    ends 2 'not a general wget' wget -q --spider https://example.com/
    # From a container beside it, with a wget of another make.
    docker run --rm --network container:gate bb wget -q -O - http://localhost:2375/_ping | grep -qx OK
    docker rm --force gate >/dev/null
    gate --env PING=0
    ends 1 'needs PING=1' /dockgate healthcheck
";

const HARDENED: &str = r#"
    gate --user "65534:$(stat -c %g "$SOCKET")" --read-only --cap-drop ALL --security-opt no-new-privileges \
        --memory 64m --pids-limit 16 --env CONTAINERS=1
    healthy
    inside wget -qO- http://localhost:2375/containers/json | grep -q dockgate:trial
"#;

/// As root, as root with what it takes to become somebody else, and as somebody else; where no-new-privileges is not set,
/// the runtime is behind the profile too when it starts the gate.
const SECCOMP: &str = r#"
    for user in "" "--user 65534:$(stat -c %g "$SOCKET")"; do
        for capabilities in "" "--cap-drop ALL" "--cap-drop ALL --cap-add SETGID --cap-add SETPCAP --cap-add SETUID"; do
            for privileges in "" "--security-opt no-new-privileges"; do
                gate --security-opt "seccomp=$REPOSITORY/deploy/seccomp.json" $user $capabilities $privileges
                healthy || { echo "with '$user' '$capabilities' '$privileges'" >&2; exit 1; }
                inside wget -q --spider http://localhost:2375/version
                docker rm --force gate >/dev/null
            done
        done
    done
"#;

/// Builds the image, which after the first time costs a second, and plays a script that must end with 0.
pub fn play(lab: &Lab, script: &str) -> Result<(), Failed> {
    build(lab)?;
    lab.fresh_work_directory()?;
    let daemon = lab.daemon();
    let mut command = lab.command(&daemon.endpoint(), &format!("set -e\n{FUNCTIONS}\n{script}"));
    command.env("SOCKET", daemon.socket()).env("REPOSITORY", lab::REPOSITORY);
    let played = run_within(&mut command, Duration::from_secs(120))?;
    if played.code == Some(0) {
        return Ok(());
    }
    Err(format!("exit code {:?}:\n{}\n{}", played.code, played.stdout(), played.stderr()).into())
}

/// `make image`, with the caller's toolchain and this daemon.
fn build(lab: &Lab) -> Result<(), Failed> {
    let path = std::env::var("PATH")?;
    let mut command = Command::new(Path::new(lab::REPOSITORY).join("scripts/image.sh"));
    command
        .arg("dockgate:trial")
        .env("PATH", format!("{}:{path}", lab.directory().join("bin").display()))
        .env("DOCKER_CONFIG", lab.directory().join("home/.docker"))
        .env("DOCKER_HOST", lab.daemon().endpoint().docker_host());
    let built = run_within(&mut command, BUILD)?;
    if built.code == Some(0) { Ok(()) } else { Err(built.stderr().into()) }
}
