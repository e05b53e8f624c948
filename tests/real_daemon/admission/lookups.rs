//! What only the daemon knows: how a volume was made, what a container has mounted.

use std::fs;

use libtest_mimic::Failed;

use super::{ask, create, gate, refused, remove};
use crate::Proof;
use crate::http::Endpoint;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("a volume that was made to bind is refused wherever it is named, a plain one passes", volumes),
    ("a volume that was made to bind passes where its path may be mounted", volumes_opened),
    ("an archive goes into a container unless that has a path of the host mounted", archives),
    ("docker cp into a mounted directory works where the path may be mounted", archives_opened),
];

const BOUND: &str = r#"{"Name":"bound","DriverOpts":{"type":"none","o":"bind","device":"/etc"}}"#;

/// Entries of a body that name the volume `NAME`.
const USES: [&str; 7] = [
    r#""HostConfig":{"Binds":["NAME:/x"]}"#,
    r#""HostConfig":{"Binds":["NAME:/x:ro,nocopy"]}"#,
    r#""HostConfig":{"bindſ":["first:/f","NAME:/x"]}"#,
    r#""Binds":["NAME:/x"]"#,
    r#""HostConfig":{"Mounts":[{"Type":"volume","Source":"NAME","Target":"/x"}]}"#,
    r#""HostConfig":{"Mounts":[{"type":"volume","\u0053ource":"NAME","Target":"/x","ReadOnly":true}]}"#,
    r#""HostConfig":{"Mounts":[{"Type":"volume","Source":"NAME","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"local"}}}]}"#,
];

fn make_volumes(lab: &Lab) -> Result<(), String> {
    let daemon = lab.daemon().endpoint();
    for body in [
        BOUND,
        r#"{"Name":"plain"}"#,
        r#"{"Name":"small","DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=1m,noexec"}}"#,
    ] {
        ask(&daemon, "POST", "/volumes/create", body)?;
    }
    Ok(())
}

fn volumes(lab: &Lab) -> Result<(), Failed> {
    make_volumes(lab)?;
    let gate = gate(lab, "")?;
    let mark = lab.daemon().mark();
    for entries in USES {
        let words = "\"bound\" is a volume that was made to mount what is not allowed here: needs ALLOW_BIND_MOUNTS=/etc";
        refused(create(&gate.endpoint(), &entries.replace("NAME", "bound")), words)
            .map_err(|why| format!("{entries}: {why}"))?;
    }
    let heard = lab.daemon().calls_since(&mark);
    if heard.iter().any(|call| !call.starts_with("GET /volumes/")) {
        return Err(format!("the daemon was asked {heard:?}").into());
    }
    for entries in USES {
        for name in ["plain", "small", "new"] {
            let entries = entries.replace("NAME", name);
            create(&gate.endpoint(), &entries).map_err(|why| format!("{entries}: {why}"))?;
            remove(lab)?;
        }
    }
    Ok(())
}

fn volumes_opened(lab: &Lab) -> Result<(), Failed> {
    make_volumes(lab)?;
    let [written, read, ..] = USES.map(|entries| entries.replace("NAME", "bound"));
    for (policy, entries, passes) in [
        ("ALLOW_BIND_MOUNTS=/etc", &written, true),
        ("ALLOW_BIND_MOUNTS=/", &written, true),
        ("ALLOW_BIND_MOUNTS=/etc:ro", &read, true),
        ("ALLOW_BIND_MOUNTS=/etc:ro", &written, false),
        ("ALLOW_BIND_MOUNTS=/etc/ssl,/var", &written, false),
    ] {
        let gate = gate(lab, policy)?;
        let outcome = create(&gate.endpoint(), entries);
        if outcome.is_ok() != passes {
            return Err(format!("{policy} {entries}: {outcome:?}").into());
        }
        if passes {
            remove(lab)?;
        }
    }
    Ok(())
}

/// An archive of nothing.
const EMPTY: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Every way to call the container `box`, whose id this is.
fn targets(id: &str) -> Vec<String> {
    let names = ["box", "b%6fx", id, &id[..12], &id[..6]];
    let paths = names.iter().flat_map(|name| {
        ["", "/v1.41", "/v1.24", "/%761.41"]
            .map(|version| format!("{version}/containers/{name}/archive?path=/tmp"))
    });
    let odd = format!("/%63ontainers/{}/%61rchive?path=%2ftmp", &id[..12]);
    paths.chain([odd]).collect()
}

fn archives(lab: &Lab) -> Result<(), Failed> {
    make_volumes(lab)?;
    let daemon = lab.daemon().endpoint();
    let gate = gate(lab, "")?;
    let empty = EMPTY.repeat(32);
    for entries in
        [r#""Labels":{}"#, r#""HostConfig":{"Binds":["plain:/p","small:/s"],"Tmpfs":{"/t":""}}"#]
    {
        let id = id(&daemon, entries)?;
        let mark = lab.daemon().mark();
        for target in targets(&id) {
            ask(&gate.endpoint(), "PUT", &target, &empty)
                .map_err(|why| format!("{entries} {target}: {why}"))?;
        }
        // What was looked up is what is written to, even if another had its name by then.
        let calls = lab.daemon().calls_since(&mark);
        let mut written = calls.iter().filter(|call| call.starts_with("PUT"));
        if let Some(call) = written.find(|call| !call.contains(&format!("/{id}/"))) {
            return Err(format!("{entries}: the daemon was asked {call}").into());
        }
        remove(lab)?;
    }
    for entries in [
        r#""HostConfig":{"Binds":["/etc:/e:ro"]}"#,
        r#""HostConfig":{"Binds":["/etc:/e"]}"#,
        r#""HostConfig":{"Binds":["/etc:/e:ro"]}"#,
        r#""HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/e"}]}"#,
        r#""HostConfig":{"Binds":["plain:/p","bound:/e"]}"#,
        r#""HostConfig":{"Mounts":[{"Type":"volume","Target":"/e","VolumeOptions":{"DriverConfig":{"Options":{"type":"none","o":"bind","device":"/etc"}}}}]}"#,
    ] {
        let targets = targets(&id(&daemon, entries)?);
        let mark = lab.daemon().mark();
        for target in targets {
            refused(ask(&gate.endpoint(), "PUT", &target, &empty), "needs ALLOW_BIND_MOUNTS=/etc")
                .map_err(|why| format!("{entries} {target}: {why}"))?;
        }
        if let Some(call) =
            lab.daemon().calls_since(&mark).iter().find(|call| call.starts_with("PUT"))
        {
            return Err(format!("{entries}: the daemon was asked {call}").into());
        }
        remove(lab)?;
    }
    // Neither is there a container of that name for the daemon to find.
    match ask(&gate.endpoint(), "PUT", "/containers/box/archive?path=/tmp", &empty) {
        Err(why) if why.starts_with("404") && why.ends_with("No such container: box") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn archives_opened(lab: &Lab) -> Result<(), Failed> {
    let shared = lab.directory().join("shared");
    let _ = fs::remove_dir_all(&shared);
    fs::create_dir(&shared)?;
    let path = shared.display().to_string();
    id(&lab.daemon().endpoint(), &format!(r#""HostConfig":{{"Binds":["{path}:/e"]}}"#))?;
    lab.fresh_work_directory()?;
    let copy = "echo kept > file; docker cp file box:/e/file";
    let closed = gate(lab, "")?;
    let refused = lab.shell(&closed.endpoint(), copy)?;
    let advice = format!("needs ALLOW_BIND_MOUNTS={path}");
    if refused.code == Some(0)
        || !refused.stderr().contains(&advice)
        || shared.join("file").exists()
    {
        return Err(format!("{:?} {}", refused.code, refused.stderr()).into());
    }
    drop(closed);
    let open = gate(lab, &format!("ALLOW_BIND_MOUNTS={path}"))?;
    let copied = lab.shell(&open.endpoint(), copy)?;
    if copied.code != Some(0) || fs::read(shared.join("file"))? != b"kept\n" {
        return Err(copied.stderr().into());
    }
    Ok(())
}

/// Makes the container `box` straight on the daemon; its id.
fn id(daemon: &Endpoint, entries: &str) -> Result<String, String> {
    let made = create(daemon, entries)?;
    let made: serde_json::Value = serde_json::from_str(&made).map_err(|error| error.to_string())?;
    made["Id"].as_str().map(str::to_owned).ok_or_else(|| made.to_string())
}
