//! Users of a unix listener are clients of their own: who takes all connections that it may have shuts
//! nobody else out.

use super::Proof;
use super::gate::{Gate, Place, says};
use libtest_mimic::Failed;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};
use std::time::Duration;

pub const PROOFS: &[Proof] =
    &[("a user who holds all connections it may have leaves some to others", users)];

/// More than one user may have at a limit of 128 files.
const CONNECTIONS: usize = 40;

fn users() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let path = place.path.join("gate.sock");
    let listen = format!("unix://{}", path.display());
    let environment = [("LISTEN", listen.as_str()), ("LISTEN_SOCKET_MODE", "0666")];
    let gate = Gate::start(&["prlimit", "--nofile=128:128"], &place, &environment)?;
    let mut held = Vec::new();
    let mut is_refused = false;
    while !is_refused && held.len() < CONNECTIONS {
        let mut client = UnixStream::connect(&path)?;
        client.set_read_timeout(Some(Duration::from_secs(20)))?;
        client.write_all(b"GET /volumes HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let mut status = [0; 12];
        client.read_exact(&mut status)?;
        is_refused = status.ends_with(b" 429");
        held.push(client);
    }
    // Who built the program may be the only one to enter there.
    let program = place.path.join("dockgate");
    fs::copy(env!("CARGO_BIN_EXE_dockgate"), &program)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let ask = |uid: u32| -> Result<Output, Failed> {
        let mut command = Command::new(&program);
        command.arg("healthcheck").env_clear().env("LISTEN", &listen).uid(uid).gid(uid);
        Ok(command.output()?)
    };
    let own = ask(0)?;
    says(&String::from_utf8_lossy(&own.stderr), "the gate answers 429")?;
    let other = ask(1234)?;
    if !other.status.success() {
        return Err(String::from_utf8_lossy(&other.stderr).into());
    }
    says(&gate.log(), "reason=\"client-connections\" status=429")
}
