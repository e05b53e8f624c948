//! Services of a real swarm: the daemon is made one, of itself alone, for as long as a trial takes.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::lab::Lab;

pub const PROOFS: &[Proof] =
    &[("a service in an ordinary network is created, listed and removed", ordinary_service)];

const POLICY: &str = "SERVICES=1 NETWORKS=1 TASKS=1 POST=1";

fn ordinary_service(lab: &Lab) -> Result<(), Failed> {
    lab.open_swarm()?;
    let gate = Gate::start(&lab.daemon().socket(), POLICY)?;
    let mark = lab.daemon().mark();
    let day = r"
        docker network create --driver overlay net &&
        docker service create --detach --no-resolve-image --name svc --network net bb sleep 300 &&
        docker service ls --format '{{.Name}} {{.Image}}' && docker service rm svc";
    let played = lab.shell(&gate.endpoint(), day)?;
    let said = played.stdout();
    let calls = lab.daemon().calls_since(&mark);
    let is_created = calls.iter().any(|call| call.ends_with("/services/create"));
    if played.code != Some(0) || !said.contains("svc bb:latest") || !is_created {
        return Err(format!("{:?}: {said}{}\n{calls:?}", played.code, played.stderr()).into());
    }
    Ok(())
}
