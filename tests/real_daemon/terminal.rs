//! A person at a terminal: `-it` under a pseudo-terminal, its size and a change of that, the detach keys.

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::{BINARY, Gate, Setup};
use crate::lab::Lab;
use crate::transcript::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "run -it is a terminal of the right size, and follows when that changes",
        policy: "CONTAINERS=1 POST=1",
        script: r#"
            python3 "$CLIENTS/terminal.py" 40x120 'see first' 'resize 50x150' 'see second' 'type hello' 'see got hello' \
                -- docker run -it --rm --network none bb sh -c 'until [ "$(stty size 2>/dev/null)" = "40 120" ]; do sleep 0.1; done; \
                echo first; until [ "$(stty size 2>/dev/null)" = "50 150" ]; do sleep 0.1; done; \
                echo second; read word; echo got $word; exit 3'
        "#,
    },
    Scenario {
        name: "exec -it is a terminal of the right size, and follows when that changes",
        policy: "CONTAINERS=1 EXEC=1 POST=1",
        script: r#"
            docker run -d --name box --network none bb sleep 300
            python3 "$CLIENTS/terminal.py" 40x120 'see first' 'resize 50x150' 'see second' 'type hello' 'see got hello' \
                -- docker exec -it box sh -c 'until [ "$(stty size 2>/dev/null)" = "40 120" ]; do sleep 0.1; done; \
                echo first; until [ "$(stty size 2>/dev/null)" = "50 150" ]; do sleep 0.1; done; \
                echo second; read word; echo got $word; exit 4'
        "#,
    },
];

pub const PROOFS: &[Proof] =
    &[("the detach keys leave a terminal, and attach comes back to it", detach)];

/// Over TCP the docker client itself misses its detach keys, so the gate listens on a unix socket here.
fn detach(lab: &Lab) -> Result<(), Failed> {
    let scenario = Scenario {
        name: "detach",
        policy: "CONTAINERS=1 POST=1",
        script: r#"
            python3 "$CLIENTS/terminal.py" 24x80 'see here' 'keys 16 17' \
                -- docker run -it --name box --network none bb sh -c 'while sleep 0.2; do echo here; done' | tr -d '\r' | uniq
            python3 "$CLIENTS/terminal.py" 24x80 'see here' 'keys 16 17' -- docker attach box | tr -d '\r' | uniq
            docker inspect --format '{{.State.Status}}' box
        "#,
    };
    let listen = format!("unix://{}", lab.directory().join("gate.sock").display());
    scenario.play_direct_and_through(lab, |socket, policy| {
        Gate::start_with(&Setup {
            binary: BINARY.into(),
            socket,
            policy,
            listen: &listen,
            uid: None,
        })
    })
}
