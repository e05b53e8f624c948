//! docker-py and dockerode: two more readings of the API, each with its own way to hijack a connection.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::lab::Lab;
use crate::transcript::{Scenario, normalised};

pub const DOCKER_PY: &[Scenario] = &[
    Scenario {
        name: "docker-py lists what there is",
        policy: "INFO=1 CONTAINERS=1 IMAGES=1 VOLUMES=1 NETWORKS=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" lists"#,
    },
    Scenario {
        name: "docker-py takes a container through its life",
        policy: "CONTAINERS=1 IMAGES=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" life"#,
    },
    Scenario {
        name: "docker-py attaches, writes, half-closes and reads on",
        policy: "CONTAINERS=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" attach"#,
    },
    Scenario {
        name: "docker-py runs commands: demultiplexed, streamed, on a socket, on a terminal",
        policy: "CONTAINERS=1 EXEC=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" execs"#,
    },
    Scenario {
        name: "docker-py follows events",
        policy: "CONTAINERS=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" events"#,
    },
    Scenario {
        name: "docker-py puts and gets archives",
        policy: "CONTAINERS=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" archives"#,
    },
    Scenario {
        name: "docker-py builds, saves and loads an image",
        policy: "BUILD=1 CONTAINERS=1 IMAGES=1 POST=1",
        script: r#"python3 "$CLIENTS/docker_py.py" build"#,
    },
];

pub const DOCKERODE: &[Scenario] = &[
    Scenario {
        name: "dockerode lists what there is",
        policy: "INFO=1 CONTAINERS=1 IMAGES=1 VOLUMES=1 NETWORKS=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" lists"#,
    },
    Scenario {
        name: "dockerode takes a container through its life",
        policy: "CONTAINERS=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" life"#,
    },
    Scenario {
        name: "dockerode attaches with and without an Upgrade",
        policy: "CONTAINERS=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" attach"#,
    },
    Scenario {
        name: "dockerode runs commands with and without an Upgrade, with and without stdin",
        policy: "CONTAINERS=1 EXEC=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" execs"#,
    },
    Scenario {
        name: "dockerode follows events",
        policy: "CONTAINERS=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" events"#,
    },
    Scenario {
        name: "dockerode puts and gets archives",
        policy: "CONTAINERS=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" archives"#,
    },
    Scenario {
        name: "dockerode builds, saves and loads an image",
        policy: "BUILD=1 CONTAINERS=1 IMAGES=1 POST=1",
        script: r#"node "$CLIENTS/dockerode.js" build"#,
    },
];

pub const PROOFS: &[Proof] = &[(
    "the body that dockerode sends with attach does not become the process's stdin",
    attach_body,
)];

/// The daemon never reads that body. It is dropped when it comes with the head, in one piece; sent later it would be
/// stdin.
fn attach_body(lab: &Lab) -> Result<(), Failed> {
    let daemon = lab.start_daemon_without_debug("quiet")?;
    lab.shell(&lab.daemon().endpoint(), "docker save -o bb.tar bb")?;
    lab.shell(&daemon.endpoint(), "docker load -i bb.tar")?;
    let gate = Gate::start(&daemon.socket(), "CONTAINERS=1 POST=1")?;
    let [direct, through] = [daemon.endpoint(), gate.endpoint()].map(|endpoint| {
        let run = lab.shell(&endpoint, r#"node "$CLIENTS/dockerode.js" attach"#)?;
        Ok::<_, Failed>((run.code, normalised(&run.stdout()), normalised(&run.stderr())))
    });
    let (direct, through) = (direct?, through?);
    daemon.sweep()?;
    if direct.0 != Some(0) || direct != through {
        return Err(format!("direct: {direct:?}\nthrough the gate: {through:?}").into());
    }
    Ok(())
}
