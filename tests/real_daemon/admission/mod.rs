//! The admission: which arguments reach the daemon, and which never do.

mod elsewhere;
mod everyday;
mod existing;
mod in_swarm;
mod limits;
mod lookups;
mod matrix;
mod modes;
mod networks;
mod of_create;
mod own;
mod platform;
mod random;
mod registries;
mod row;
mod shields;
mod spellings;

use std::io;

use serde_json::Value;

use crate::Proof;
use crate::agreement::everything;
use crate::gate::{BINARY, Gate, Setup};
use crate::http::Endpoint;
use crate::lab::Lab;

pub use everyday::SCENARIOS;

pub const PROOFS: &[&[Proof]] = &[
    matrix::PROOFS,
    lookups::PROOFS,
    existing::PROOFS,
    own::PROOFS,
    modes::PROOFS,
    networks::PROOFS,
    registries::PROOFS,
    limits::PROOFS,
    platform::PROOFS,
    everyday::PROOFS,
    random::PROOFS,
    in_swarm::PROOFS,
    shields::PROOFS,
];

/// A gate that grants every operation; `policy` says which arguments. On its unix socket small
/// writes cost no time.
fn gate(lab: &Lab, policy: &str) -> io::Result<Gate> {
    let listen = format!("unix://{}", lab.directory().join("admission.sock").display());
    Gate::start_with(&Setup {
        binary: BINARY.into(),
        socket: &lab.daemon().socket(),
        policy: &format!("{} {policy}", everything()),
        listen: &listen,
        uid: None,
    })
}

/// Asks for a container named `box` with these entries beside its image.
fn create(endpoint: &Endpoint, entries: &str) -> Result<String, String> {
    let body = format!(r#"{{"Image":"bb","Cmd":["sleep","300"],{entries}}}"#);
    ask(endpoint, "POST", "/containers/create?name=box", &body)
}

/// The answer's body where it is a success, its message where not.
fn ask(endpoint: &Endpoint, method: &str, target: &str, json: &str) -> Result<String, String> {
    let answer = endpoint.ask(method, target, json).map_err(|error| error.to_string())?;
    match answer.status {
        200..300 => Ok(answer.body),
        status => Err(format!("{status} {}", answer.message().unwrap_or(answer.body))),
    }
}

/// What the daemon itself says.
fn shown(lab: &Lab, target: &str) -> Result<Value, String> {
    let body = ask(&lab.daemon().endpoint(), "GET", target, "")?;
    serde_json::from_str(&body).map_err(|error| error.to_string())
}

/// An error unless it is refused in these words.
fn refused(outcome: Result<String, String>, words: &str) -> Result<(), String> {
    match outcome {
        Err(why) if why.contains("dockgate: ") && why.contains(words) => Ok(()),
        Err(why) => Err(format!("refused otherwise: {why}\nand not: {words}")),
        Ok(body) => Err(format!("it passed: {body}\nand was not refused: {words}")),
    }
}

/// Removes the container `box`.
fn remove(lab: &Lab) -> Result<(), String> {
    ask(&lab.daemon().endpoint(), "DELETE", "/containers/box?force=1", "").map(drop)
}
