//! What an image may be called, and which registries the daemon is sent to.

use libtest_mimic::Failed;

use super::{ask, gate, refused, remove};
use crate::Proof;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("an image gets a name of the list wherever it gets one, and no other", names),
    ("the daemon is not sent to a registry on its own host", own),
    ("a container that publishes every port can be made", ports),
];

/// An empty archive: a layer, and an import, with nothing in it.
const EMPTY: [u8; 1024] = [0; 1024];

/// Where a name is given: the target with `NAME` in the name's place, and the body.
const GIVEN: [(&str, bool); 5] = [
    ("/images/bb/tag?repo=NAME&tag=1", false),
    ("/images/create?fromSrc=-&repo=NAME&tag=1", true),
    ("/commit?container=other&repo=NAME&tag=1", false),
    ("/build?t=ghcr.io/acme/first&t=NAME&networkmode=none&version=1", true),
    ("/build?t=NAME:1&version=1", true),
];

fn names(lab: &Lab) -> Result<(), Failed> {
    let daemon = lab.daemon().endpoint();
    let other = r#"{"Image":"bb","Cmd":["true"]}"#;
    ask(&daemon, "POST", "/containers/create?name=other", other)?;
    let gate = gate(lab, "ALLOW_REGISTRIES=ghcr.io/acme")?;
    let empty = String::from_utf8_lossy(&EMPTY).into_owned();
    let sent = |target: &str, has_archive: bool| {
        ask(&gate.endpoint(), "POST", target, if has_archive { &empty } else { "" })
    };
    let mark = lab.daemon().mark();
    for (target, has_archive) in GIVEN {
        for (name, needs) in [
            ("app", "docker.io"),
            ("acme/app", "docker.io"),
            ("ghcr.io/acmeevil/app", "ghcr.io/acmeevil/app"),
            ("ghcr.io%2Fother%2Facme", "ghcr.io/other/acme"),
            ("localhost:5000/acme/app", "localhost:5000"),
        ] {
            let words = format!("needs ALLOW_REGISTRIES={needs}");
            refused(sent(&target.replace("NAME", name), has_archive), &words)
                .map_err(|why| format!("{target} {name}: {why}"))?;
        }
    }
    refused(sent("/images/load", true), "needs ALLOW_REGISTRIES=load")?;
    for entries in [r#""Image":"bb:latest""#, r#""Image":"docker.io/acme/app""#] {
        let body = format!("{{{entries}}}");
        let outcome = ask(&gate.endpoint(), "POST", "/containers/create", &body);
        refused(outcome, "needs ALLOW_REGISTRIES=docker.io")?;
    }
    let heard = lab.daemon().calls_since(&mark);
    if heard.iter().any(|call| call.starts_with("POST")) {
        return Err(format!("the daemon was asked {heard:?}").into());
    }
    for (target, has_archive) in &GIVEN[..3] {
        sent(&target.replace("NAME", "ghcr.io/acme/app"), *has_archive)
            .map_err(|why| format!("{target}: {why}"))?;
    }
    let body = r#"{"Image":"ghcr.io/acme/app:1","Cmd":["true"]}"#;
    ask(&gate.endpoint(), "POST", "/containers/create?name=box", body)?;
    remove(lab)?;
    ask(&daemon, "DELETE", "/containers/other", "")?;
    ask(&daemon, "DELETE", "/images/ghcr.io/acme/app:1?force=1", "")?;
    Ok(())
}

fn own(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    let mark = lab.daemon().mark();
    for host in
        ["localhost:1", "127.0.0.1:1", "127.1:1", "0x7f000001:1", "[::1]:1", "169.254.169.254"]
    {
        let words = format!("needs ALLOW_REGISTRIES=*,{host}");
        for (method, target) in [
            ("POST", format!("/images/create?fromImage={host}/x&tag=1")),
            ("POST", format!("/images/{host}/x/push")),
            ("GET", format!("/distribution/{host}/x/json")),
            ("GET", format!("/images/search?term={host}/x")),
            ("GET", format!("/plugins/privileges?remote={host}/x")),
        ] {
            refused(ask(&gate.endpoint(), method, &target, ""), &words)
                .map_err(|why| format!("{target}: {why}"))?;
        }
        let body =
            format!(r#"{{"username":"a","password":"b","serveraddress":"https://{host}/v2/"}}"#);
        refused(ask(&gate.endpoint(), "POST", "/auth", &body), &words)?;
    }
    let heard = lab.daemon().calls_since(&mark);
    if !heard.is_empty() {
        return Err(format!("the daemon was asked {heard:?}").into());
    }
    drop(gate);
    // Nobody listens there, as the daemon finds out.
    let open = super::gate(lab, "ALLOW_REGISTRIES=*,127.0.0.1:1")?;
    match ask(&open.endpoint(), "GET", "/distribution/127.0.0.1:1/x/json", "") {
        Err(why) if !why.contains("dockgate: ") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn ports(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    lab.fresh_work_directory()?;
    let made = lab.shell(
        &gate.endpoint(),
        "docker create --name box --network none -p 1-65535:1-65535 bb true >/dev/null && docker inspect box | grep -c HostPort",
    )?;
    if made.code != Some(0) || !made.stdout().contains("65535") {
        return Err(format!("{:?} {} {}", made.code, made.stdout(), made.stderr()).into());
    }
    remove(lab)?;
    Ok(())
}
