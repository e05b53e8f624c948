//! What a platform's tenants try first, with the client they have: a privileged container with the
//! host inside, and a file of the host.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::lab::Lab;

/// What a platform opens to its worker.
const PLATFORM: &str =
    "CONTAINERS=1 BUILD=1 POST=1 IMAGES=1 NETWORKS=1 VOLUMES=1 EXEC=1 INFO=1 COMMIT=1";

pub const PROOFS: &[Proof] = &[
    ("a privileged container with the host inside is refused in words", no_privileged_container),
    ("a file of the host is not read: refused, or the mount is taken out", no_file_of_the_host),
];

fn no_privileged_container(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), PLATFORM)?;
    let mark = lab.daemon().mark();
    let line = "docker run --privileged -v /:/host --network none bb chroot /host";
    let refused = lab.shell(&gate.endpoint(), line)?;
    let said = refused.stderr();
    let words = [
        "docker: Error response from daemon: dockgate:",
        "ALLOW_PRIVILEGED=1",
        "ALLOW_BIND_MOUNTS=/",
    ];
    // docker-run(1): 125 where the daemon itself says no.
    if refused.code != Some(125) || !words.iter().all(|words| said.contains(words)) {
        return Err(format!("{:?}: {said}", refused.code).into());
    }
    let calls = lab.daemon().calls_since(&mark);
    if calls.iter().any(|call| call.contains("/containers/create")) {
        return Err(format!("the daemon was asked {calls:?}").into());
    }
    Ok(())
}

fn no_file_of_the_host(lab: &Lab) -> Result<(), Failed> {
    let line = "docker run --rm -v /etc/hostname:/secret --network none bb cat /secret";
    let gate = Gate::start(&lab.daemon().socket(), PLATFORM)?;
    let refused = lab.shell(&gate.endpoint(), line)?;
    if refused.code != Some(125) || !refused.stderr().contains("ALLOW_BIND_MOUNTS=/etc/hostname") {
        return Err(format!("{:?}: {}", refused.code, refused.stderr()).into());
    }
    let gate = Gate::start(&lab.daemon().socket(), &format!("{PLATFORM} BIND_MOUNT_ACTION=strip"))?;
    let without = lab.shell(&gate.endpoint(), line)?;
    if without.code != Some(1) || !without.stderr().contains("can't open '/secret'") {
        return Err(format!("{:?}: {}{}", without.code, without.stdout(), without.stderr()).into());
    }
    if !gate.log().contains("took out") {
        return Err(gate.log().into());
    }
    let gate = Gate::start(
        &lab.daemon().socket(),
        &format!("{PLATFORM} ALLOW_BIND_MOUNTS=/etc/hostname:ro"),
    )?;
    let opened = lab.shell(&gate.endpoint(), &line.replace("/secret ", "/secret:ro "))?;
    let file = std::fs::read_to_string("/etc/hostname")?;
    if opened.code != Some(0) || opened.stdout() != file {
        return Err(format!("{:?}: {}", opened.code, opened.stderr()).into());
    }
    Ok(())
}
