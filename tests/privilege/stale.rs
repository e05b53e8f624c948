//! A daemon that starts again while the gate is behind its sandbox: with the socket's directory
//! mounted it is found again; a mounted socket file is stale, which is said, and can end the gate.

use super::Proof;
use super::gate::{Gate, Place, lacks, same, says};
use libtest_mimic::Failed;
use std::fs;

pub const PROOFS: &[Proof] = &[
    ("a daemon that starts again is found again behind the sandbox", found_again),
    ("a stale socket is named with its cure", named),
    ("EXIT_ON_STALE_SOCKET=1 ends the gate to be started again", ended),
    ("with WATCHDOG=1 it takes no client to find a stale socket", found_alone),
    ("a daemon that is merely down does not end it", merely_down),
];

fn found_again() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[])?;
    same("before", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")?;
    fs::remove_file(place.socket())?;
    says(&gate.ping()?, "no such file")?;
    place.daemon(0, 998, 0o660)?;
    same("after", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")
}

/// What mounting for one process alone takes.
pub const MOUNTS: &[&str] = &["unshare", "--mount", "mount", "--bind", "/tmp", "/tmp"];

/// A gate that has another's socket mounted over its own; the other's file is then removed, as a
/// daemon that ends does.
fn mounted(place: &Place, environment: &[(&str, &str)]) -> Result<Gate, Failed> {
    let own = place.path.join("mounted.sock");
    fs::write(&own, "")?;
    let script =
        format!("mount --bind '{0}' '{1}' && exec \"$0\"", place.socket().display(), own.display());
    let mut all = environment.to_vec();
    let path = own.display().to_string();
    all.push(("SOCKET_PATH", &path));
    let gate = Gate::start(&["unshare", "--mount", "/bin/sh", "-c", &script], place, &all)?;
    same("before", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")?;
    Ok(gate)
}

fn named() -> Result<(), Failed> {
    if lacks(MOUNTS)? {
        return Ok(());
    }
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = mounted(&place, &[])?;
    fs::remove_file(place.socket())?;
    place.stop_daemon()?;
    let answer = gate.ping()?;
    says(&answer, "HTTP/1.1 503")?;
    says(&answer, "the mounted socket is stale")?;
    says(&answer, "EXIT_ON_STALE_SOCKET=1")
}

fn ended() -> Result<(), Failed> {
    if lacks(MOUNTS)? {
        return Ok(());
    }
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let mut gate = mounted(&place, &[("EXIT_ON_STALE_SOCKET", "1")])?;
    fs::remove_file(place.socket())?;
    place.stop_daemon()?;
    says(&gate.ping()?, "the mounted socket is stale")?;
    same("status", &format!("{:?}", gate.wait()?.code()), "Some(75)")?;
    says(&gate.log(), "exiting, to be restarted")
}

fn found_alone() -> Result<(), Failed> {
    if lacks(MOUNTS)? {
        return Ok(());
    }
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let mut gate = mounted(&place, &[("EXIT_ON_STALE_SOCKET", "1"), ("WATCHDOG", "1")])?;
    fs::remove_file(place.socket())?;
    place.stop_daemon()?;
    same("status", &format!("{:?}", gate.wait()?.code()), "Some(75)")?;
    says(&gate.log(), "the mounted socket is stale")
}

fn merely_down() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[("EXIT_ON_STALE_SOCKET", "1")])?;
    place.stop_daemon()?;
    says(&gate.ping()?, "connection refused")?;
    // The socket is still there, and so is the gate.
    place.daemon(0, 998, 0o660)?;
    same("after", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")
}
