//! docker-compose: a project goes up, restarts, takes on a service from an overlay at run time, drops it, goes down.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::lab::Lab;
use crate::transcript::Scenario;

/// `compose` works on its services side by side: its lines come in any order, hence `sort`.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "a project goes up, gains and loses an overlay while it runs, restarts and goes down",
    policy: "CONTAINERS=1 NETWORKS=1 SERVICES=1 TASKS=1 INFO=1 VERSION=1 IMAGES=1 POST=1",
    script: r#"
        cp "$CLIENTS"/compose/*.yml .
        docker-compose -p demo -f base.yml up -d 2>&1 | sort
        docker-compose -p demo -f base.yml ps 2>&1 | sort
        until docker-compose -p demo -f base.yml logs --no-color web | grep received; do sleep 0.2; done
        docker-compose -p demo -f base.yml -f overlay.yml up -d 2>&1 | sort
        docker-compose -p demo -f base.yml -f overlay.yml ps --services 2>&1 | sort
        docker-compose -p demo -f base.yml up -d --remove-orphans 2>&1 | sort
        docker-compose -p demo -f base.yml restart 2>&1 | sort
        docker-compose -p demo -f base.yml stop 2>&1 | sort
        docker-compose -p demo -f base.yml start 2>&1 | sort
        docker-compose -p demo -f base.yml down 2>&1 | sort
        docker ps --all --quiet
    "#,
}];

pub const PROOFS: &[Proof] =
    &[("without IMAGES compose says which variable it needs", compose_without_images)];

fn compose_without_images(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), "CONTAINERS=1 NETWORKS=1 INFO=1 POST=1")?;
    let up = lab.shell(
        &gate.endpoint(),
        r#"docker-compose -p demo -f "$CLIENTS/compose/base.yml" up -d"#,
    )?;
    if up.code == Some(0) || !up.stderr().contains("needs IMAGES=1") {
        return Err(format!("exit code {:?}:\n{}", up.code, up.stderr()).into());
    }
    Ok(())
}
