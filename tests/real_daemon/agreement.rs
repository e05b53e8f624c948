//! Whether gate and daemon agree on what a request is: every operation of the table, and every odd
//! way to write a path that the daemon's router is known to take or to refuse.

use libtest_mimic::Failed;

use crate::Proof;
use crate::daemon::is_gates_own;
use crate::gate::Gate;
use crate::http::{Answer, Endpoint};
use crate::lab::Lab;
use crate::router::Route;
use dockgate::api::{Line, Operation};
use dockgate::http::Method;
use dockgate::policy::Variable;

pub const PROOFS: &[Proof] = &[
    ("every operation is the same to gate and daemon, with and without a version", every_operation),
    ("a path written oddly is what the gate takes it for, or does not reach the daemon", odd_paths),
];

/// Profiles the daemon for half a minute; the gate refuses it anyway.
const NOT_SENT: [&str; 1] = ["DebugPprofProfile"];

/// Asks a registry by name, which takes its time where there is no network.
const NOT_SENT_TWICE: [&str; 1] = ["DistributionInspect"];

/// Answers that differ from one time to the next.
const VOLATILE: [&str; 5] = ["SystemInfo", "DebugVars", "ImageGetAll", "ImageLoad", "VolumeCreate"];

/// What is done in or to something that exists: the gate asks what that is before it passes it on.
const ASKED_FIRST: [&str; 9] = [
    "ContainerArchive",
    "ContainerArchiveInfo",
    "ContainerAttach",
    "ContainerAttachWebsocket",
    "ContainerCopy",
    "ContainerExec",
    "ExecResize",
    "ExecStart",
    "PutContainerArchive",
];

/// Filters that can't be parsed keep what would do something from doing it.
const HARMLESS: &str = "?filters=x&until=1";

fn every_operation(lab: &Lab) -> Result<(), Failed> {
    // A plugin's archive says itself what it may do, so it takes a variable of its own.
    let policy = format!("{} ALLOW_PLUGIN_PRIVILEGES=*", everything());
    let gate = Gate::start(&lab.daemon().socket(), &policy)?;
    for line in Operation::TABLE.iter().filter(|line| !NOT_SENT.contains(&line.id)) {
        for version in ["", lab.engine().version] {
            if !version.is_empty() && NOT_SENT_TWICE.contains(&line.id) {
                continue;
            }
            let target = format!("{version}{}{HARMLESS}", path(line));
            one_operation(lab, &gate, line, &target)
                .map_err(|why| format!("{} {target}: {why}", line.method))?;
        }
    }
    Ok(())
}

fn one_operation(lab: &Lab, gate: &Gate, line: &Line, target: &str) -> Result<(), String> {
    let direct = ask(&lab.daemon().endpoint(), line, target)?;
    let engine = lab.engine();
    let route = engine.router().route(line.method.as_str(), target.as_bytes());
    let is_there = matches!(route, Route::Operation { .. }) && !engine.outdated.contains(&line.id);
    if is_known(&direct) != is_there {
        return Err(format!("the daemon answers {} {}", direct.status, direct.body));
    }
    if direct.status == 404 && is_known(&direct) && line.template.contains('{') {
        let name = if line.template.contains("...}") { "no/body" } else { "nobody" };
        if !direct.body.contains(name) {
            return Err(format!(
                "the daemon looks for something else than {name}: {}",
                direct.body
            ));
        }
    }

    let mark = lab.daemon().mark();
    let through = ask(&gate.endpoint(), line, target)?;
    let calls = lab.daemon().calls_since(&mark);
    if line.section.is_none() {
        if through.status != 403 || !calls.is_empty() {
            return Err(format!("closed, and yet {} {}; {calls:?}", through.status, through.body));
        }
        return Ok(());
    }
    if ASKED_FIRST.contains(&line.id) {
        // Who is meant is looked up first, and who is not there is not.
        let is_asked = calls.iter().any(|call| call.ends_with("body/json"));
        let is_missed = through.status == 404
            && (through.body.contains("No such ") || line.method == Method::Head);
        return if is_asked && calls.iter().all(|call| is_gates_own(call)) && is_missed {
            Ok(())
        } else {
            Err(format!("{calls:?}, {} {}", through.status, through.body))
        };
    }
    if through.status != direct.status
        || !VOLATILE.contains(&line.id) && sorted(&through) != sorted(&direct)
    {
        return Err(format!(
            "direct {} {}, through the gate {} {}",
            direct.status, direct.body, through.status, through.body
        ));
    }
    let expected = format!("{} {target}", line.method);
    // The harness leaves pings out, and a route that the daemon has not logs nothing.
    if is_known(&direct) && !expected.contains("/_ping") && !calls.contains(&expected) {
        return Err(format!("the daemon has run {calls:?}"));
    }
    Ok(())
}

/// An odd way to write a path, and the plain way to write what the gate takes it for; `None`
/// where it refuses.
type Oddity = (&'static str, &'static str, Option<&'static str>);

const ODDITIES: &[Oddity] = &[
    ("GET", "/%63ontainers/json", Some("/containers/json")),
    ("GET", "/containers/%6Ason", Some("/containers/json")),
    ("GET", "/v1%2e41/containers/json", Some("/v1.41/containers/json")),
    ("GET", "/%76%31.41/containers/json", Some("/v1.41/containers/json")),
    ("GET", "/containers/json?", Some("/containers/json")),
    ("GET", "/containers/json??all=1", Some("/containers/json")),
    ("GET", "/networks/", Some("/networks")),
    ("GET", "/v1.41/networks/", Some("/v1.41/networks")),
    ("GET", "/images/no%2Fbody/json", Some("/images/no/body/json")),
    ("GET", "/images/no/b%6Fdy/json", Some("/images/no/body/json")),
    ("DELETE", "/plugins/no%2fbody", Some("/plugins/no/body")),
    ("GET", "/containers/%6eobody/json", Some("/containers/nobody/json")),
    ("GET", "/containers%2Fjson", None),
    ("GET", "/containers/nobody%2Fjson", None),
    ("GET", "/v1.41%2fversion", None),
    ("GET", "/containers/no/body/json", Some("/containers/no/body/json")),
    ("GET", "/containers/no%2Fbody/json", Some("/containers/no/body/json")),
    ("GET", "/containers/json/json", Some("/containers/json/json")),
    ("GET", "/networks/no%2Fbody", Some("/networks/no/body")),
    ("DELETE", "/containers/no%2Fcheckpoints%2Fbody", None),
    ("GET", "/%2563ontainers/json", None),
    ("GET", "//containers/json", None),
    ("GET", "/containers//json", None),
    ("GET", "/./containers/json", None),
    ("GET", "/containers/../containers/json", None),
    ("GET", "/%2e%2e/containers/json", None),
    ("GET", "/containers%2f%2fjson", None),
    ("GET", "/containers/json/", None),
    ("GET", "/containers\\json", None),
    ("GET", "/containers/json%00", None),
    ("GET", "/containers/json;x", None),
    ("GET", "/containers/json#f", None),
    ("GET", "/Containers/json", None),
    ("GET", "/V1.41/containers/json", None),
    ("GET", "/v1.41.0/containers/json", None),
    ("GET", "/v1.41./containers/json", None),
    ("GET", "/v1.041/containers/json", None),
    ("GET", "/v01.41/containers/json", None),
    ("GET", "/v1/containers/json", None),
    ("GET", "/v./containers/json", None),
    ("GET", "/v1..41/containers/json", None),
    ("GET", "/v1.23/containers/json", None),
    ("GET", "/v1.41a/containers/json", None),
    ("GET", "/v1.41/v1.41/containers/json", None),
    ("GET", "/", None),
    ("GET", "/metrics", None),
    ("GET", "/debug/vars", None),
    ("get", "/containers/json", None),
    ("PATCH", "/containers/json", None),
    ("HEAD", "/containers/json", None),
    ("FOO", "/debug/vars", None),
    ("OPTIONS", "/containers/json", None),
    ("CONNECT", "/version", None),
    ("GET", "http://x/containers/json", None),
    ("GET", "unix:///containers/json", None),
    ("OPTIONS", "*", None),
];

fn odd_paths(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), &everything())?;
    for &(method, odd, plain) in ODDITIES {
        odd_path(lab, &gate, method, odd, plain).map_err(|why| format!("{method} {odd}: {why}"))?;
    }
    Ok(())
}

fn odd_path(
    lab: &Lab,
    gate: &Gate,
    method: &str,
    odd: &str,
    plain: Option<&str>,
) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mark = lab.daemon().mark();
    let through = gate.endpoint().ask(method, odd, "").map_err(text)?;
    let calls = lab.daemon().calls_since(&mark);
    let Some(plain) = plain else {
        // What the daemon would send elsewhere the gate does too, to the same place.
        let direct = lab.daemon().endpoint().ask(method, odd, "");
        let is_sent_elsewhere = || {
            direct.is_ok_and(|direct| {
                direct.status == 301 && direct.header("Location") == through.header("Location")
            })
        };
        let refused = match through.status {
            400 | 403 => calls.is_empty(),
            301 => calls.is_empty() && is_sent_elsewhere(),
            _ => false,
        };
        return if refused {
            Ok(())
        } else {
            Err(format!("{} {}; the daemon has run {calls:?}", through.status, through.body))
        };
    };
    let expected = lab.daemon().endpoint().ask(method, plain, "").map_err(text)?;
    if (through.status, sorted(&through)) == (expected.status, sorted(&expected)) {
        return Ok(());
    }
    Err(format!(
        "{} {} is not {} {}, the answer to {plain}",
        through.status, through.body, expected.status, expected.body
    ))
}

/// Every operation's variable on.
pub fn everything() -> String {
    let all: Vec<String> = Variable::ALL.iter().map(|variable| format!("{variable}=1")).collect();
    all.join(" ")
}

/// The line's path with names that nothing has.
fn path(line: &Line) -> String {
    let segments: Vec<&str> = line
        .template
        .split('/')
        .map(|segment| match segment {
            _ if segment.ends_with("...}") => "no/body",
            _ if segment.starts_with('{') => "nobody",
            literal => literal,
        })
        .collect();
    segments.join("/")
}

fn ask(endpoint: &Endpoint, line: &Line, target: &str) -> Result<Answer, String> {
    endpoint.ask(line.method.as_str(), target, "").map_err(|error| error.to_string())
}

/// The body without its order: the daemon lists networks as its maps give them, now so, now so.
fn sorted(answer: &Answer) -> Vec<u8> {
    let mut bytes = answer.body.clone().into_bytes();
    bytes.sort_unstable();
    bytes
}

/// Whether the daemon's router has the route: otherwise it says so, or, for one that only some
/// API versions have, nothing.
fn is_known(answer: &Answer) -> bool {
    answer.status != 404 || !answer.body.contains("page not found") && !answer.body.is_empty()
}
