//! Which requests must reach the daemon, which may, and which must not: by the model of the
//! daemon's router, by what a request says about itself, and by the policy as a user would explain it.

use super::request::{After, Request, Wire};
use crate::router::{Route, Router};

/// What a policy makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Must,
    May,
    MustNot,
}

/// Their arguments are judged too, or their names; the gate may have something against them.
const EXAMINED: [&str; 14] = [
    "ContainerStart",
    "ContainerCopy",
    "Archive",
    "Checkpoint",
    "Exec",
    "Attach",
    "Create",
    "Update",
    "Connect",
    "Disconnect",
    "Push",
    "Plugin",
    "Swarm",
    "Node",
];

/// After these the connection may be no more what it was.
const STREAMS: [&str; 6] = ["Attach", "ExecStart", "Session", "Grpc", "Events", "ContainerWait"];

/// What a connection's requests come to, one after another. An engine that has not all operations,
/// or does not log all, need not run any.
pub fn judge(router: &Router, policy: &str, requests: &[Request], has_all: bool) -> Vec<Fate> {
    let mut before = After::Read;
    let mut fates = Vec::new();
    for request in requests {
        let (fate, after) = one(router, policy, request);
        fates.push(match (before, fate) {
            (After::Ignored, _) => Fate::MustNot,
            (_, Fate::Must) if before == After::Unsure || !has_all => Fate::May,
            (After::Read | After::Unsure, fate) => fate,
        });
        before = before.max(after);
    }
    fates
}

fn one(router: &Router, policy: &str, request: &Request) -> (Fate, After) {
    let target = &request.target;
    // The gate may refuse what is written oddly, and close.
    let after = if target.is_plain { request.after } else { request.after.max(After::Unsure) };
    let Route::Operation { id, version, .. } = router.route(target.method, target.text.as_bytes())
    else {
        return (Fate::MustNot, after);
    };
    let is_hijacking = STREAMS.iter().any(|stream| id.contains(stream));
    let after = if is_hijacking { after.max(After::Unsure) } else { after };
    if request.wire == Wire::Bad
        || !is_version(version.as_deref())
        || !allows(policy, target.method, id)
    {
        return (Fate::MustNot, after);
    }
    let is_examined = EXAMINED.iter().any(|examined| id.contains(examined))
        && (request.has_body || id != "ContainerStart");
    if request.wire == Wire::Good && target.is_plain && !is_examined {
        (Fate::Must, after)
    } else {
        (Fate::May, after)
    }
}

/// The one form of a version, and none that is too old.
fn is_version(version: Option<&str>) -> bool {
    let Some(version) = version else { return true };
    let Some((major, minor)) = version.split_once('.') else { return false };
    let number =
        |digits: &str| digits.parse::<u16>().ok().filter(|number| number.to_string() == digits);
    number(major).zip(number(minor)).is_some_and(|version| version >= (1, 24))
}

/// Whether `CONTAINERS=1 POST=1` and the like allow an operation.
fn allows(policy: &str, method: &str, id: &str) -> bool {
    let get = |name: &str| {
        let mut pairs = policy.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value == "1")
    };
    let is_on = |name: &str| get(name).unwrap_or(["PING", "VERSION", "EVENTS"].contains(&name));
    let grants: &[(&str, &[&str])] = &[
        ("ALLOW_START", &["ContainerStart"]),
        ("ALLOW_STOP", &["ContainerStop"]),
        ("ALLOW_RESTARTS", &["ContainerRestart", "ContainerStop", "ContainerKill"]),
        ("ALLOW_PAUSE", &["ContainerPause"]),
    ];
    if grants.iter().any(|(name, ids)| is_on(name) && ids.contains(&id)) {
        return true;
    }
    let writes = !matches!(method, "GET" | "HEAD") || id == "ContainerAttachWebsocket";
    let may_write = match method {
        "DELETE" | "PUT" => get(method).unwrap_or(is_on("POST")),
        _ => is_on("POST"),
    };
    is_on(&section(id)) && (!writes || may_write)
}

/// The variable that opens an operation: its path's first word, but for a few.
fn section(id: &str) -> String {
    let path = crate::router::lines().find(|[_, _, other]| *other == id).map(|[_, path, _]| path);
    let first = path.unwrap_or_default().split('/').nth(1).unwrap_or_default();
    match (id, first) {
        ("ContainerExec", _) => "EXEC".to_owned(),
        (_, "_ping") => "PING".to_owned(),
        (_, first) => first.to_uppercase(),
    }
}
