//! What triggers a published weakness of an engine.

use libtest_mimic::Failed;

use super::{ask, create, gate, refused, remove};
use crate::Proof;
use crate::http::Endpoint;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("what triggers a published weakness is refused, and its ordinary twin passes", arguments),
    ("a compressed archive is refused and an uncompressed one passes, by docker cp", archives),
    ("docker cp waits until a container is stopped", copies),
];

/// Entries of a create that triggers a weakness, its name, and an ordinary one.
const CREATES: [(&str, &str, &str); 4] = [
    (r#""WorkingDir":"/proc/self/fd/7""#, "CVE-2024-21626", r#""WorkingDir":"/tmp""#),
    (r#""WorkingDir":"/tmp/../proc/self/fd/8/""#, "CVE-2024-21626", r#""WorkingDir":"/proc""#),
    (
        r#""HostConfig":{"Binds":["shared:/dev"]}"#,
        "CVE-2025-31133",
        r#""HostConfig":{"Binds":["shared:/devices"]}"#,
    ),
    (
        r#""HostConfig":{"Mounts":[{"Type":"volume","Target":"/dev/pts"}]}"#,
        "CVE-2025-31133",
        r#""HostConfig":{"Mounts":[{"Type":"volume","Target":"/dev/shm"}]}"#,
    ),
];

fn arguments(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    for (weak, name, ordinary) in CREATES {
        let mark = lab.daemon().mark();
        refused(create(&gate.endpoint(), weak), name)?;
        let calls = lab.daemon().calls_since(&mark);
        if !calls.is_empty() {
            return Err(format!("{weak}: the daemon was asked {calls:?}").into());
        }
        create(&gate.endpoint(), ordinary).map_err(|why| format!("{ordinary}: {why}"))?;
        remove(lab)?;
    }
    create(&gate.endpoint(), r#""Labels":{}"#)?;
    ask(&gate.endpoint(), "POST", "/containers/box/start", "")?;
    let exec = |directory: &str| {
        let body = format!(r#"{{"Cmd":["true"],"WorkingDir":"{directory}"}}"#);
        ask(&gate.endpoint(), "POST", "/containers/box/exec", &body)
    };
    let mark = lab.daemon().mark();
    refused(exec("/proc/self/fd/7"), "CVE-2024-21626")?;
    let calls = lab.daemon().calls_since(&mark);
    if calls.iter().any(|call| call.starts_with("POST")) {
        return Err(format!("the daemon was asked {calls:?}").into());
    }
    exec("/tmp")?;
    Ok(())
}

fn copies(lab: &Lab) -> Result<(), Failed> {
    lab.fresh_work_directory()?;
    let make = |gate: &Endpoint, entries: &str| -> Result<(), Failed> {
        create(gate, entries)?;
        Ok(ask(gate, "POST", "/containers/box/start", "").map(drop)?)
    };
    let into = "set -e; echo kept > file; docker cp file box:/tmp/file";
    let out = "set -e; docker cp box:/etc/hostname out";
    let passes = |gate: &Endpoint| -> Result<(), Failed> {
        for line in [into, out] {
            let copied = lab.shell(gate, line)?;
            if copied.code != Some(0) {
                return Err(format!("{line}: {}", copied.stderr()).into());
            }
        }
        Ok(())
    };
    for entries in [r#""Labels":{}"#, r#""HostConfig":{"Binds":["data:/data"]}"#] {
        let held = gate(lab, "")?;
        make(&held.endpoint(), entries)?;
        for line in [into, out] {
            let mark = lab.daemon().mark();
            let copied = lab.shell(&held.endpoint(), line)?;
            // Of a HEAD that is refused the client says nothing.
            let words = "container \"box\": runs: while the daemon";
            let is_told = copied.stderr().contains(words) || line == out;
            if copied.code == Some(0) || !is_told {
                return Err(format!("{line}: {:?} {}", copied.code, copied.stderr()).into());
            }
            let calls = lab.daemon().calls_since(&mark);
            if calls.iter().any(|call| call.contains("/archive")) {
                return Err(format!("{line}: the daemon was asked {calls:?}").into());
            }
        }
        drop(held);
        let lifted = gate(lab, "ENGINE_FIXED=CVE-2026-42306")?;
        passes(&lifted.endpoint())?;
        drop(lifted);
        let held = gate(lab, "")?;
        ask(&held.endpoint(), "POST", "/containers/box/stop?t=0", "")?;
        passes(&held.endpoint())?;
        remove(lab)?;
    }
    Ok(())
}

fn archives(lab: &Lab) -> Result<(), Failed> {
    lab.fresh_work_directory()?;
    let held = gate(lab, "")?;
    create(&held.endpoint(), r#""Labels":{}"#)?;
    let packed = "echo kept > file; tar -cf - file";
    for program in ["gzip", "bzip2", "xz", "zstd"] {
        // Some are not installed everywhere; their beginnings are in the tests of the wire.
        let line = format!(
            "command -v {program} > there || exit 0; {packed} | {program} | docker cp - box:/tmp"
        );
        let mark = lab.daemon().mark();
        let copied = lab.shell(&held.endpoint(), &line)?;
        let is_there = !std::fs::read(lab.directory().join("work/there"))?.is_empty();
        if program == "gzip" && !is_there {
            return Err("there is no gzip to try it with".into());
        }
        if is_there && (copied.code == Some(0) || !copied.stderr().contains("CVE-2026-41567")) {
            return Err(format!("{program}: {:?} {}", copied.code, copied.stderr()).into());
        }
        let calls = lab.daemon().calls_since(&mark);
        if calls.iter().any(|call| call.starts_with("PUT")) {
            return Err(format!("{program}: the daemon was asked {calls:?}").into());
        }
    }
    let ordinary = format!(
        "set -e; {packed} | docker cp - box:/tmp; docker cp file box:/tmp/other; \
         docker cp box:/tmp/file back; docker cp box:/tmp/other other; cmp file back; cmp file other"
    );
    let copied = lab.shell(&held.endpoint(), &ordinary)?;
    if copied.code != Some(0) {
        return Err(copied.stderr().into());
    }
    drop(held);
    let lifted = gate(lab, "ENGINE_FIXED=CVE-2026-41567")?;
    let line = format!("set -e; {packed} | gzip | docker cp - box:/tmp");
    let copied = lab.shell(&lifted.endpoint(), &line)?;
    if copied.code != Some(0) {
        return Err(copied.stderr().into());
    }
    Ok(())
}
