//! What must not pass: one line for each kind, with the answer and the rule that must have stopped
//! it. They come one after the other, so that each comes as often.

use crate::Failure;
use crate::bed::Hand;

/// Withheld by the policy.
pub const FORBIDDEN: &str = "GET /secrets HTTP/1.1\r\nHost: docker\r\n\r\n";

struct Case {
    request: &'static str,
    status: u16,
    /// What the gate counts.
    series: [&'static str; 3],
}

const fn stopped(
    status: u16,
    operation: &'static str,
    reason: &'static str,
    request: &'static str,
) -> Case {
    Case { request, status, series: [operation, "refused", reason] }
}

const fn malformed(status: u16, reason: &'static str, request: &'static str) -> Case {
    Case { request, status, series: ["-", "malformed", reason] }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    stopped(403, "SecretList", "withheld", FORBIDDEN),
    stopped(403, "NetworkList", "withheld", "GET /v1.41/networks HTTP/1.1\r\nHost: docker\r\n\r\n"),
    stopped(403, "SwarmInit", "withheld", "POST /swarm/init HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}"),
    stopped(403, "-", "unknown-operation", "GET /nothing/of/the/kind HTTP/1.1\r\nHost: docker\r\n\r\n"),
    stopped(403, "DebugVars", "closed", "GET /debug/vars HTTP/1.1\r\nHost: docker\r\n\r\n"),
    stopped(400, "-", "version-prefix", "GET /v1.041/info HTTP/1.1\r\nHost: docker\r\n\r\n"),
    stopped(400, "ContainerList", "old-version", "GET /v1.12/containers/json HTTP/1.1\r\nHost: docker\r\n\r\n"),
    stopped(415, "ContainerCreate", "form-body", "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"),
    stopped(413, "ContainerCreate", "body-too-long", "POST /containers/create HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"),
    stopped(301, "-", "moved", "GET /containers/../secrets HTTP/1.1\r\nHost: docker\r\n\r\n"),
    malformed(400, "unclean-path", "GET /containers%5c..%5cvolumes HTTP/1.1\r\nHost: docker\r\n\r\n"),
    malformed(400, "bare-line-feed", "GET / HTTP/1.1\nHost: docker\r\n\r\n"),
    malformed(400, "length-and-encoding", "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
    malformed(400, "content-length-twice", "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"),
    malformed(400, "folded", "GET /_ping HTTP/1.1\r\nHost: docker\r\nA: b\r\n c\r\n\r\n"),
    malformed(505, "version", "GET /_ping HTTP/3.0\r\nHost: docker\r\n\r\n"),
    malformed(501, "transfer-encoding", "POST /images/load HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
];

/// Not passed by admission; their bodies.
#[rustfmt::skip]
const CREATES: &[(u16, &str, &str)] = &[
    (403, "privileged", r#"{"Image":"bb","HostConfig":{"Privileged":true}}"#),
    (403, "bind-mounts", r#"{"Image":"bb","HostConfig":{"Binds":["/:/host"]}}"#),
    (403, "host-namespaces", r#"{"Image":"bb","HostConfig":{"PidMode":"host"}}"#),
    (403, "capabilities", r#"{"Image":"bb","HostConfig":{"CapAdd":["SYS_ADMIN"]}}"#),
    (400, "repeated-key", r#"{"Image":"bb","image":"cc"}"#),
    (400, "not-one-json-value", r#"{"Image":"bb"} {}"#),
    (400, "bad-value", r#"{"Image":"bb","HostConfig":{"Privileged":"true"}}"#),
];

/// The next case, on a connection of its own: most of them end it.
pub fn refused(hand: &mut Hand) -> Result<(), Failure> {
    let Case { request, status, series } = &CASES[hand.turn() % CASES.len()];
    expect(hand, request, *status, *series)
}

/// The next create that asks for too much.
pub fn refused_create(hand: &mut Hand) -> Result<(), Failure> {
    let (status, reason, body) = CREATES[hand.turn() % CREATES.len()];
    let length = body.len();
    let request = format!(
        "POST /v1.41/containers/create HTTP/1.1\r\nHost: docker\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    expect(hand, &request, status, ["ContainerCreate", "refused", reason])
}

fn expect(
    hand: &mut Hand,
    request: &str,
    status: u16,
    [operation, verdict, reason]: [&str; 3],
) -> Result<(), Failure> {
    let asked = hand.client()?.ask(request, status);
    let said = asked.map_err(|failure| format!("{reason}: {failure}"))?;
    // Of old versions clients are told in plain text; a redirection has its Location.
    let is_own =
        status == 301 || said.trim_start_matches("{\"message\":\"").starts_with("dockgate: ");
    if !is_own {
        return Err(format!("{reason}: {said}").into());
    }
    hand.tally.expect(operation, verdict, reason);
    Ok(())
}
