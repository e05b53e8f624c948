//! The audit trail: what a record says of each kind of request, and what none ever says.

use super::admission::{PRIVILEGED, create};
use super::gate::{Dir, Gate, STREAMS, start_in, wait_until};
use super::hijack::tunnel;
use super::stand_in::{EVENTS, FORBIDDEN, OK, PING, STREAMING, StandIn};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

pub const KILL: &str = "POST /containers/p/kill?signal=9 HTTP/1.1\r\nHost: docker\r\n\r\n";

/// A gate that records to a file.
pub fn audited(variables: &[(&str, &str)]) -> (Gate, StandIn, PathBuf) {
    audited_in(Dir::new(), variables)
}

/// The same in a directory that is already there.
pub fn audited_in(dir: Dir, variables: &[(&str, &str)]) -> (Gate, StandIn, PathBuf) {
    let trail = dir.path("audit.json");
    let own = trail.display().to_string();
    let (gate, daemon) = start_in(dir, &[STREAMS, &[("AUDIT_LOG", &own)], variables].concat());
    (gate, daemon, trail)
}

/// What has been recorded, of so many records.
#[track_caller]
pub fn records(trail: &Path, count: usize) -> Vec<Value> {
    let mut lines = Vec::new();
    wait_until("records", || {
        let text = fs::read_to_string(trail).expect("a trail");
        lines = text.lines().map(str::to_owned).collect();
        lines.len() >= count && text.ends_with('\n')
    });
    assert_eq!(lines.len(), count, "{lines:#?}");
    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    let found: Vec<Value> = lines.iter().map(read).collect();
    let documented = include_str!("../../docs/audit.md");
    for name in found.iter().flat_map(names) {
        assert!(documented.contains(&format!("\n| `{name}` | ")), "{name} is not documented");
    }
    found
}

/// One record.
#[track_caller]
fn record(trail: &Path) -> Value {
    records(trail, 1).remove(0)
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_request_that_passes_is_recorded_with_all_its_fields() {
    let (gate, daemon, trail) = audited(&[]);
    let client = gate.client();
    let request = KILL.replace(
        "Host: docker\r\n",
        "Host: docker\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
         X-Request-Id: r1\r\n",
    );
    client.send(&request);
    daemon.accept_with(&request).send(OK);
    client.expect(OK);
    let text = fs::read_to_string(&trail).expect("a trail");
    let found = record(&trail);
    assert!(text.is_empty() || text.starts_with("{\"v\":1,\"time\":\"2"), "{text}");
    assert_eq!(
        names(&found),
        [
            "bytes",
            "client",
            "id",
            "kind",
            "method",
            "operation",
            "path",
            "reason",
            "request_id",
            "status",
            "time",
            "times_us",
            "traceparent",
            "v",
            "verdict",
            "writes"
        ]
    );
    for (name, expected) in [
        ("v", json!(1)),
        ("kind", json!("request")),
        ("method", json!("POST")),
        ("path", json!("/containers/p/kill")),
        ("operation", json!("ContainerKill")),
        ("writes", json!(true)),
        ("verdict", json!("allowed")),
        ("reason", Value::Null),
        ("status", json!(200)),
        ("traceparent", json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
        ("request_id", json!("r1")),
    ] {
        assert_eq!(found[name], expected, "{name}");
    }
    let up = found["bytes"]["up"]["copied"].as_u64().expect("bytes")
        + found["bytes"]["up"]["spliced"].as_u64().expect("bytes");
    assert_eq!(up, request.len() as u64);
    assert!(found["client"]["address"].as_str().expect("one").starts_with("127.0.0.1:"));
    assert!(found["id"].as_str().expect("an id").ends_with("-1"));
    let time = found["time"].as_str().expect("a time");
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    let whole = found["times_us"]["whole"].as_u64().expect("a time");
    assert!(whole >= found["times_us"]["daemon"].as_u64().expect("a time") && whole > 0);
}

#[test]
fn reads_are_recorded_too_and_ids_differ() {
    let (gate, daemon, trail) = audited(&[]);
    let client = gate.client();
    client.send(format!("{PING}{PING}"));
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    connection.expect(PING);
    connection.send(OK);
    client.expect(format!("{OK}{OK}"));
    let found = records(&trail, 2);
    assert_eq!(found[0]["operation"], "SystemPing");
    assert_eq!(found[0]["writes"], false);
    assert_ne!(found[0]["id"], found[1]["id"]);
}

#[test]
fn a_local_client_is_recorded_as_the_kernel_knows_it() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!("unix://{}", path.display());
    let (_gate, _daemon, trail) = audited_in(dir, &[("LISTEN", &listen)]);
    let client = Gate::unix_client(&path);
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    let client = &record(&trail)["client"];
    assert_eq!(client["pid"], std::process::id());
    assert_eq!(client["uid"], nix::unistd::getuid().as_raw());
    assert_eq!(client["gid"], nix::unistd::getgid().as_raw());
    assert_eq!(client["listener"], path.display().to_string());
}

#[test]
fn a_refusal_is_recorded_with_what_it_names() {
    let (gate, daemon, trail) = audited(&[]);
    let client = gate.client();
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    client.send(create(PRIVILEGED));
    assert_eq!(client.answer().status, 403);
    client.send("GET /nothing HTTP/1.1\r\nHost: docker\r\n\r\n");
    assert_eq!(client.answer().status, 403);
    let found = records(&trail, 3);
    assert_eq!(found[0]["verdict"], "refused");
    assert_eq!(found[0]["reason"], "withheld");
    assert_eq!(found[0]["detail"], "VolumeList needs VOLUMES=1");
    assert_eq!(found[0]["findings"], json!([]));
    assert_eq!(found[0]["status"], 403);
    assert_eq!(found[1]["reason"], "privileged");
    let finding = &found[1]["findings"][0];
    assert_eq!(finding["field"], "HostConfig.Privileged");
    assert_eq!(finding["reason"], "privileged");
    assert_eq!(finding["needs"], "ALLOW_PRIVILEGED=1");
    assert_eq!(found[2]["operation"], Value::Null);
    assert_eq!(found[2]["reason"], "unknown-operation");
    daemon.expect_untouched();
}

#[test]
fn what_audit_mode_lets_pass_is_recorded_with_the_request() {
    let (gate, daemon, trail) = audited(&[("ADMISSION", "audit")]);
    let client = gate.client();
    let request = create("{\"HostConfig\":{\"Privileged\":true,\"NewField\":1}}");
    client.send(&request);
    daemon.accept_with(&request).send(OK);
    client.expect(OK);
    let found = record(&trail);
    assert_eq!(found["verdict"], "allowed");
    let notes = &found["notes"];
    assert_eq!(notes["would_refuse"][0]["needs"], "ALLOW_PRIVILEGED=1");
    assert_eq!(notes["stripped"], json!([]));
    assert_eq!(notes["unknown"], json!(["HostConfig.NewField"]));
}

#[test]
fn a_daemon_that_fails_is_recorded() {
    let (gate, daemon, trail) = audited(&[]);
    drop(daemon);
    let client = gate.client();
    client.send(PING);
    assert_eq!(client.answer().status, 503);
    let found = record(&trail);
    assert_eq!((&found["verdict"], &found["status"]), (&json!("failed"), &json!(503)));
    assert!(found["detail"].as_str().expect("why").contains("onnection refused"), "{found}");
}

#[test]
fn what_is_malformed_is_recorded_without_what_it_may_hold() {
    let (gate, _daemon, trail) = audited(&[]);
    for bytes in ["POST /x?secret HTTP/1.1\r\nHost: docker\n", "{\"password\":\"secret\"}"] {
        let client = gate.client();
        client.send(bytes);
        assert_eq!(client.answer().status, 400);
    }
    let found = records(&trail, 2);
    assert_eq!(
        names(&found[0]),
        ["client", "id", "kind", "method", "path", "reason", "status", "time", "v", "verdict"]
    );
    assert_eq!(found[0]["kind"], "malformed");
    assert_eq!(found[0]["reason"], "bare-line-feed");
    assert_eq!((&found[0]["method"], &found[0]["path"]), (&json!("POST"), &json!("/x")));
    assert_eq!((&found[1]["method"], &found[1]["path"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_tunnel_is_recorded_at_its_end_under_its_requests_id() {
    let (gate, daemon, trail) = audited(&[]);
    let (client, connection) = tunnel(gate.client(), &daemon);
    let opened = record(&trail);
    assert_eq!((&opened["kind"], &opened["status"]), (&json!("request"), &json!(101)));
    client.send("12345");
    connection.expect("12345");
    connection.send("123");
    client.expect("123");
    client.end();
    connection.expect_end();
    drop(connection);
    client.expect_end();
    let closed = &records(&trail, 2)[1];
    assert_eq!(closed["kind"], "tunnel");
    assert_eq!(closed["id"], opened["id"]);
    assert_eq!(closed["operation"], "ContainerAttach");
    assert_eq!(closed["end"], "both sides");
    let bytes = |way: &str| {
        let moved = &closed["bytes"][way];
        moved["copied"].as_u64().expect("one") + moved["spliced"].as_u64().expect("one")
    };
    assert_eq!((bytes("up"), bytes("down")), (5, 3));
}

#[test]
fn clients_that_go_are_recorded_by_how_far_their_request_has_come() {
    let (gate, daemon, trail) = audited(&[]);
    let client = gate.client();
    client.send(EVENTS);
    let connection = daemon.accept_with(EVENTS);
    connection.send(STREAMING);
    client.expect(STREAMING);
    client.reset();
    connection.expect_gone();
    assert_eq!(record(&trail)["verdict"], "abandoned");
    let client = gate.client();
    client.send("POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\n\r\n{");
    client.reset();
    assert_eq!(records(&trail, 2)[1]["verdict"], "withdrawn");
    daemon.expect_untouched();
}

#[test]
fn what_is_under_way_in_the_end_is_recorded() {
    let (mut gate, daemon, trail) = audited(&[("SHUTDOWN_GRACE", "0"), ("WORKERS", "2")]);
    let client = gate.client();
    client.send(EVENTS);
    let connection = daemon.accept_with(EVENTS);
    connection.send(STREAMING);
    client.expect(STREAMING);
    let (_attached, _connection) = tunnel(gate.client(), &daemon);
    records(&trail, 1);
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
    let found = records(&trail, 3);
    let cut = |kind: &str| found[1..].iter().find(|record| record["kind"] == kind).expect(kind);
    assert_eq!(cut("request")["verdict"], "unfinished");
    assert_eq!(cut("request")["path"], "/events");
    assert_eq!(cut("tunnel")["end"], "the gate");
    assert!(!gate.log().contains("records were lost"), "{}", gate.log());
}

#[test]
fn secrets_are_never_recorded() {
    let (gate, daemon, trail) = audited(&[("ADMISSION", "audit"), ("LOG_LEVEL", "debug")]);
    let body = "{\"Env\":[\"PASSWORD=secret\"],\"HostConfig\":{\"Privileged\":true}}";
    for target in ["/containers/create?name=secret", "/build?buildargs=secret", "/volumes?secret"] {
        let body = if target.starts_with("/build") { "secret" } else { body };
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: secret\r\nX-Registry-Auth: secret\r\n\
             X-Registry-Config: secret\r\nAuthorization: Basic secret\r\nCookie: secret\r\n\
             User-Agent: secret\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let client = gate.client();
        client.send(&request);
        if target.starts_with("/volumes") {
            assert_eq!(client.answer().status, 403);
        } else {
            daemon.accept_with(&request).send(OK);
            client.expect(OK);
        }
    }
    let found = records(&trail, 3);
    assert_eq!(found[0]["notes"]["would_refuse"][0]["field"], "HostConfig.Privileged");
    let text = fs::read_to_string(&trail).expect("a trail");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn whatever_bytes_a_client_sends_each_record_is_one_line_of_json() {
    let (gate, _daemon, trail) = audited(&[]);
    let mut sent = 0;
    for byte in (0..=u8::MAX).filter(|&byte| byte != b'\n') {
        let head: &[u8] = b"GET /x";
        for (before, after) in
            [(head, &b"y HTTP/1.1\r\n\r\n"[..]), (b"", b"GET / HTTP/1.1\r\n\r\n")]
        {
            let client = gate.client();
            client.send([before, &[byte], after].concat());
            // Two line ends before a request are none of it.
            if client.read_up_to(12).is_empty() {
                continue;
            }
            sent += 1;
        }
        let client = gate.client();
        let field: &[u8] = b"GET /x HTTP/1.1\r\nHost: d\r\nX-Request-Id: \"\\";
        client.send([field, &[byte], b"\r\n\r\n"].concat());
        client.read_up_to(12);
        sent += 1;
    }
    let found = records(&trail, sent);
    assert!(found.iter().all(|record| record["v"] == 1));
    let text = fs::read(&trail).expect("a trail");
    assert!(text.iter().all(|&byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
}
