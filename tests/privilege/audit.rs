//! The audit trail of a gate that has given up what it was started with: what it opened before, it
//! still writes to, and a full disk is got over.

use super::Proof;
use super::gate::{Gate, Place, lacks, same, says};
use super::stale::MOUNTS;
use libtest_mimic::Failed;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

pub const PROOFS: &[Proof] = &[
    ("a trail that only root may open is written to after root is given up", roots_own),
    ("the trail's writer is behind the filter like everybody", behind_the_filter),
    ("a trail's socket is found again behind the sandbox", found_again),
    ("a disk that was full is written to again", full_disk),
];

const PATIENCE: Duration = Duration::from_secs(20);

fn wait_until(what: &str, is_so: impl Fn() -> bool) -> Result<(), Failed> {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("waited in vain for {what}").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// A place with a daemon, and a directory in it that only root may enter.
fn place() -> Result<(Place, String), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let directory = place.path.join("audit");
    fs::create_dir(&directory)?;
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
    let trail = directory.join("audit.json").display().to_string();
    Ok((place, trail))
}

fn roots_own() -> Result<(), Failed> {
    let (place, trail) = place()?;
    let gate = Gate::start(&["env"], &place, &[("AUDIT_LOG", &trail)])?;
    same("Uid", &gate.status()?["Uid"], "65534 65534 65534 65534")?;
    gate.ping()?;
    let trail = Path::new(&trail);
    wait_until("a record", || lines(trail).len() == 1)?;
    says(&lines(trail)[0], "\"operation\":\"SystemPing\"")?;
    let file = fs::metadata(trail)?;
    same("its owner and mode", &format!("{} {:o}", file.uid(), file.mode() & 0o7777), "0 600")
}

fn behind_the_filter() -> Result<(), Failed> {
    let (place, trail) = place()?;
    let gate = Gate::start(&["env"], &place, &[("AUDIT_LOG", &trail)])?;
    let pid = gate.status()?["Pid"].clone();
    let mut found = false;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        for words in ["Seccomp:\t2", "NoNewPrivs:\t1", "CapBnd:\t0000000000000000", "Uid:\t65534"] {
            says(&status, words)?;
        }
        found |= status.contains("Name:\taudit\n");
    }
    same("a thread of the writer's", &found.to_string(), "true")
}

fn found_again() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let path = place.path.join("log.sock");
    let bind = || -> Result<UnixDatagram, Failed> {
        let socket = UnixDatagram::bind(&path)?;
        // As /dev/log has it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket)
    };
    let receive = |socket: &UnixDatagram| -> Result<String, Failed> {
        let mut room = [0; 4096];
        let count = socket.recv(&mut room)?;
        Ok(String::from_utf8_lossy(&room[..count]).into_owned())
    };
    let socket = bind()?;
    let to = format!("unix://{}", path.display());
    let gate = Gate::start(&["env"], &place, &[("AUDIT_LOG", &to)])?;
    gate.ping()?;
    says(&receive(&socket)?, "<85>dockgate: {\"v\":1,")?;
    drop(socket);
    fs::remove_file(&path)?;
    let socket = bind()?;
    gate.ping()?;
    says(&receive(&socket)?, "\"operation\":\"SystemPing\"")
}

/// A disk of the gate's own is full; somebody who sees it too makes room when the test says so, and
/// in the end copies the trail to where the test sees it.
fn full_disk() -> Result<(), Failed> {
    if lacks(MOUNTS)? {
        return Ok(());
    }
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    fs::create_dir(place.path.join("disk"))?;
    let script = format!(
        "cd '{}' && mount -t tmpfs -o size=64k none disk || exit 1
         cat /dev/zero >disk/filler 2>/dev/null
         (until test -e room; do sleep 0.05; done; rm disk/filler; touch made
          until test -e end; do sleep 0.05; done; cp disk/audit.json copy; touch copied) &
         exec \"$0\"",
        place.path.display()
    );
    let own = place.path.join("disk/audit.json").display().to_string();
    let environment = [("AUDIT_LOG", own.as_str()), ("AUDIT_REQUIRED", "1")];
    let words = ["unshare", "--mount", "/bin/sh", "-c", &script];
    let mut gate = Gate::start(&words, &place, &environment)?;
    gate.ping()?;
    gate.wait_for("audit records are being lost (AUDIT_LOG): No space left on device")?;
    let ask = |name: &str, answer: &str| -> Result<(), Failed> {
        fs::write(place.path.join(name), "")?;
        wait_until(answer, || place.path.join(answer).exists())
    };
    ask("room", "made")?;
    gate.ping()?;
    gate.wait_for("audit records are written again: 1 were lost, 1 so far")?;
    ask("end", "copied")?;
    let found = lines(&place.path.join("copy"));
    same("records", &found.len().to_string(), "1")?;
    says(&found[0], "\"v\":1,")?;
    says(&found[0], "-2\",")
}
