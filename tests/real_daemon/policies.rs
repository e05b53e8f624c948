//! What whole policies, as users write them, let through and refuse; what a refusal says; that the daemon never hears of
//! it.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::lab::Lab;

/// Terminals in containers: no volumes, networks, exec or builds.
const TERMINALS: &str = "CONTAINERS=1 IMAGES=1 INFO=1 VERSION=1 POST=1 DELETE=1 \
                         NETWORKS=0 VOLUMES=0 EXEC=0 SWARM=0 BUILD=0 COMMIT=0 SECRETS=0 CONFIGS=0";
/// A deployment platform: builds and runs, but manages no cluster.
const PLATFORM: &str = "CONTAINERS=1 BUILD=1 POST=1 IMAGES=1 NETWORKS=1 VOLUMES=1 EXEC=1 ALLOW_START=1 ALLOW_STOP=1 \
                        ALLOW_RESTARTS=1 INFO=1 VERSION=1 PING=1 COMMIT=1 SERVICES=0 TASKS=0 SWARM=0";
const NEW: &str = r#"{"Image":"bb","Cmd":["sleep","300"],"HostConfig":{"NetworkMode":"none"}}"#;

pub const PROOFS: &[Proof] = &[
    ("the terminals' policy lets containers and images be used", terminals_work),
    ("the terminals' policy refuses the rest, by name, and the daemon never hears of it", |lab| {
        are_refused(
            lab,
            TERMINALS,
            &[
                ("GET", "/volumes", "VolumeList needs VOLUMES=1"),
                ("POST", "/volumes/create", "VolumeCreate needs VOLUMES=1"),
                ("POST", "/networks/create", "NetworkCreate needs NETWORKS=1"),
                ("POST", "/containers/box/exec", "ContainerExec needs EXEC=1"),
                ("POST", "/build", "ImageBuild needs BUILD=1"),
                ("POST", "/commit?container=box", "ImageCommit needs COMMIT=1"),
                ("GET", "/secrets", "SecretList needs SECRETS=1"),
                ("POST", "/secrets/create", "SecretCreate needs SECRETS=1"),
                ("GET", "/configs", "ConfigList needs CONFIGS=1"),
                ("POST", "/configs/create", "ConfigCreate needs CONFIGS=1"),
                ("GET", "/swarm", "SwarmInspect needs SWARM=1"),
                ("POST", "/swarm/init", "SwarmInit needs SWARM=1"),
            ],
        )
    }),
    ("with nothing enabled only ping, version and events are let through", |lab| {
        are_refused(
            lab,
            "",
            &[
                ("GET", "/containers/json", "ContainerList needs CONTAINERS=1"),
                ("GET", "/containers/box/logs", "ContainerLogs needs CONTAINERS=1"),
                ("GET", "/images/json", "ImageList needs IMAGES=1"),
                ("GET", "/info", "SystemInfo needs INFO=1"),
                ("GET", "/system/df", "SystemDataUsage needs SYSTEM=1"),
                ("GET", "/networks", "NetworkList needs NETWORKS=1"),
                ("GET", "/volumes", "VolumeList needs VOLUMES=1"),
                ("GET", "/exec/x/json", "ExecInspect needs EXEC=1"),
                ("GET", "/plugins", "PluginList needs PLUGINS=1"),
                ("GET", "/nodes", "NodeList needs NODES=1"),
                ("GET", "/services", "ServiceList needs SERVICES=1"),
                ("GET", "/tasks", "TaskList needs TASKS=1"),
                ("GET", "/distribution/bb/json", "DistributionInspect needs DISTRIBUTION=1"),
                ("POST", "/containers/create", "ContainerCreate needs CONTAINERS=1 and POST=1"),
                ("POST", "/auth", "SystemAuth needs AUTH=1 and POST=1"),
                ("DELETE", "/containers/box", "ContainerDelete needs CONTAINERS=1 and DELETE=1"),
            ],
        )?;
        are_allowed(
            lab,
            "",
            &[("GET", "/_ping", 200), ("HEAD", "/_ping", 200), ("GET", "/version", 200)],
        )
    }),
    ("with POST on, exec, volumes and images still want their own variable", |lab| {
        are_refused(
            lab,
            "CONTAINERS=1 POST=1",
            &[
                ("POST", "/containers/box/exec", "ContainerExec needs EXEC=1"),
                ("POST", "/volumes/create", "VolumeCreate needs VOLUMES=1"),
                ("POST", "/images/create?fromImage=x", "ImageCreate needs IMAGES=1"),
            ],
        )
    }),
    ("a read-only policy refuses every write", |lab| {
        are_refused(
            lab,
            "CONTAINERS=1 IMAGES=1 NETWORKS=1 VOLUMES=1 EXEC=1",
            &[
                ("POST", "/containers/create", "ContainerCreate needs POST=1"),
                ("DELETE", "/containers/box", "ContainerDelete needs DELETE=1"),
                ("PUT", "/containers/box/archive?path=/", "PutContainerArchive needs PUT=1"),
                ("GET", "/containers/box/attach/ws", "ContainerAttachWebsocket needs POST=1"),
                ("POST", "/containers/box/start", "ContainerStart needs POST=1, or ALLOW_START=1"),
            ],
        )
    }),
    ("removing a container is covered by containers and writes", |lab| {
        are_allowed(
            lab,
            "CONTAINERS=1 POST=1",
            &[("POST", "/containers/create?name=box", 201), ("DELETE", "/containers/box", 204)],
        )
    }),
    (
        "a platform's policy refuses to make a swarm or a service, by name",
        no_swarm_for_the_platform,
    ),
    ("a platform's policy carries the client's whole day", platform_works),
    ("the docker client prints a refusal as one line, and nothing else", one_line),
];

fn terminals_work(lab: &Lab) -> Result<(), Failed> {
    are_allowed(
        lab,
        TERMINALS,
        &[
            ("GET", "/containers/json", 200),
            ("GET", "/info", 200),
            ("GET", "/images/json", 200),
            ("POST", "/containers/create?name=box", 201),
            ("POST", "/containers/box/start", 204),
            ("GET", "/containers/box/json", 200),
            ("GET", "/containers/box/logs?stdout=1", 200),
            ("POST", "/containers/box/stop?t=0", 204),
            ("DELETE", "/containers/box", 204),
            // There is no such registry: that it was tried shows in the daemon's own error.
            ("POST", "/images/create?fromImage=registry.invalid/x&tag=1", 500),
        ],
    )?;
    let gate = Gate::start(&lab.daemon().socket(), TERMINALS)?;
    let attached =
        lab.shell(&gate.endpoint(), "echo typed | docker run -i --rm --network none bb cat")?;
    if attached.stdout() != "typed\n" {
        return Err(attached.stderr().into());
    }
    Ok(())
}

fn no_swarm_for_the_platform(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), PLATFORM)?;
    for (line, needed) in [
        ("docker swarm init --advertise-addr 127.0.0.1", "SwarmInit needs SWARM=1"),
        (
            "docker service create --no-resolve-image --name svc bb",
            "ServiceCreate needs SERVICES=1",
        ),
    ] {
        let refused = lab.shell(&gate.endpoint(), line)?;
        if refused.code != Some(1) || !refused.stderr().contains(needed) {
            return Err(
                format!("{line}: exit code {:?}: {}", refused.code, refused.stderr()).into()
            );
        }
    }
    Ok(())
}

fn platform_works(lab: &Lab) -> Result<(), Failed> {
    let day = r"
        printf 'FROM bb\nRUN echo kept > /kept\n' | DOCKER_BUILDKIT=0 docker build --quiet --network none -t built:1 - &&
        docker volume create vol && docker run -d --name box --network none -v vol:/data built:1 sleep 300 &&
        docker exec box cat /kept && docker stop -t 0 box && docker start box && docker restart -t 0 box &&
        docker logs box && docker commit box committed:1 && docker rm -f box && docker volume rm vol";
    let gate = Gate::start(&lab.daemon().socket(), PLATFORM)?;
    let finished = lab.shell(&gate.endpoint(), day)?;
    if finished.code == Some(0) { Ok(()) } else { Err(finished.stderr().into()) }
}

fn one_line(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), TERMINALS)?;
    let refused = lab.shell(&gate.endpoint(), "docker volume ls")?;
    // The client puts its API version into the path.
    let is_one_line =
        refused.stderr().starts_with("Error response from daemon: dockgate: GET /v1.")
            && refused.stderr().ends_with("/volumes is refused: VolumeList needs VOLUMES=1\n")
            && refused.stderr().lines().count() == 1;
    if (refused.code, refused.stdout.len(), is_one_line) == (Some(1), 0, true) {
        return Ok(());
    }
    Err(format!("exit code {:?}: {} {}", refused.code, refused.stdout(), refused.stderr()).into())
}

fn are_allowed(lab: &Lab, policy: &str, requests: &[(&str, &str, u16)]) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), policy)?;
    // On one connection: none of these is a reason to close it.
    let mut connection = gate.endpoint().connect()?;
    for (method, target, status) in requests {
        let json = if target.contains("/containers/create") { NEW } else { "" };
        let answer = connection.ask(method, target, json)?;
        if answer.status != *status {
            return Err(format!(
                "{method} {target}: {} and not {status}: {}",
                answer.status, answer.body
            )
            .into());
        }
    }
    Ok(())
}

fn are_refused(lab: &Lab, policy: &str, requests: &[(&str, &str, &str)]) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), policy)?;
    let mark = lab.daemon().mark();
    let mut connection = gate.endpoint().connect()?;
    for (method, target, reason) in requests {
        for prefix in ["", "/v1.41"] {
            let answer = connection.ask(method, &format!("{prefix}{target}"), "")?;
            let path = target.split('?').next().unwrap_or(target);
            let expected = format!("dockgate: {method} {prefix}{path} is refused: {reason}");
            let is_json = answer.header("Content-Type") == Some("application/json");
            if answer.status != 403 || !is_json || answer.message()? != expected {
                return Err(format!(
                    "{method} {prefix}{target}: {} {}\nand not {expected}",
                    answer.status, answer.body
                )
                .into());
            }
        }
    }
    let heard = lab.daemon().calls_since(&mark);
    if heard.is_empty() { Ok(()) } else { Err(format!("the daemon was asked {heard:?}").into()) }
}
