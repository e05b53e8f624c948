//! `BuildKit`, which dials back to the client over a hijacked connection. It is driven by the engine's own client, which
//! has it built in or as a plug-in, buildx.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::lab::Lab;
use crate::transcript::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "an image is built over a session",
        policy: "BUILD=1 SESSION=1 GRPC=1 CONTAINERS=1 POST=1",
        script: r"
        mkdir context; seq 300000 > context/numbers
        printf 'FROM bb AS first\nCOPY numbers /\nRUN md5sum /numbers > /sum\nFROM bb\nCOPY --from=first /sum /\nCMD cat /sum\n' \
            > context/Dockerfile
        DOCKER_BUILDKIT=1 docker build --quiet --network none -t built:1 context
        docker run --rm --network none built:1
        printf 'FROM bb\nRUN exit 9\n' > context/Dockerfile
        ! DOCKER_BUILDKIT=1 docker build --quiet --network none context 2>&1 | tail -n 1
    ",
    },
    Scenario {
        name: "what building has left is pruned",
        policy: "BUILD=1 GRPC=1 POST=1",
        script: "docker builder prune --force",
    },
];

pub const PROOFS: &[Proof] = &[
    ("without SESSION a build is refused by name", |lab| {
        is_refused(lab, "BUILD=1 GRPC=1 POST=1", "SESSION=1")
    }),
    ("with a session alone a build is refused by name", |lab| {
        is_refused(lab, "SESSION=1 POST=1", lab.engine().builds_with)
    }),
    ("without POST a build is refused by name", |lab| {
        is_refused(lab, "BUILD=1 SESSION=1 GRPC=1", "POST=1")
    }),
];

/// The client sends /session and /build side by side; whichever was refused, the user must read what to set. Where /build
/// is refused before its session is there, this client goes on waiting for the session that it has itself given up, hence
/// the limit.
fn is_refused(lab: &Lab, policy: &str, needed: &str) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), policy)?;
    let line = r"mkdir -p context; printf 'FROM bb\n' > context/Dockerfile; DOCKER_BUILDKIT=1 timeout -s KILL 15 docker build --quiet context";
    lab.fresh_work_directory()?;
    let build = lab.shell(&gate.endpoint(), line)?;
    if build.code == Some(0) || !(build.stderr().contains(needed) || gate.log().contains(needed)) {
        return Err(
            format!("exit code {:?}:\n{}\n{}", build.code, build.stderr(), gate.log()).into()
        );
    }
    Ok(())
}
