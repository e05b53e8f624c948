//! What the log tells of requests, and what it never tells.

use super::gate::{Dir, Gate, OPEN, start};
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};

const READ: &str = "GET /_ping";
const WRITE: &str = "POST /containers/p/kill";
const REFUSAL: &str = "WARN refused GET /volumes";

/// What is logged of a read, a write and a refusal.
fn log_at(level: &str) -> String {
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let path = dir.path("gate.sock");
    let listen = format!("unix://{}", path.display());
    let variables = [OPEN, &[("LISTEN", &listen), ("LOG_LEVEL", level)]].concat();
    let gate = Gate::start_in_silence(dir, &variables, &path);
    daemon.expect_probe();
    let client = Gate::unix_client(&path);
    let write = format!("{WRITE}?signal=9 HTTP/1.1\r\nHost: docker\r\n\r\n");
    client.send(format!("{PING}{write}{FORBIDDEN}"));
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    connection.expect(write);
    connection.send(OK);
    client.expect(format!("{OK}{OK}"));
    assert_eq!(client.answer().status, 403);
    gate.log()
}

#[test]
fn each_level_tells_what_its_reader_wants_to_know() {
    for (level, told, untold) in [
        ("err", &[][..], &[READ, WRITE, REFUSAL][..]),
        ("warning", &[REFUSAL], &[READ, WRITE]),
        ("info", &[REFUSAL, WRITE], &[READ]),
        ("debug", &[REFUSAL, WRITE, READ], &[]),
    ] {
        let log = log_at(level);
        for words in told {
            assert!(log.contains(words), "{level}: {words}: {log}");
        }
        for words in untold {
            assert!(!log.contains(words), "{level}: {words}: {log}");
        }
    }
}

#[test]
fn queries_headers_and_bodies_are_never_told() {
    let (gate, daemon) = start(&[OPEN, &[("LOG_LEVEL", "debug")]].concat());
    let kept = ["secret-query", "secret-header", "secret-body"];
    let body = "{\"Env\":[\"PASSWORD=secret-body\"]}";
    for line in [
        "POST /containers/create?name=secret-query HTTP/1.1",
        "POST /volumes/create?name=secret-query HTTP/1.1",
        "POST /containers/%2fx?name=secret-query HTTP/1.1",
    ] {
        let request = format!(
            "{line}\r\nHost: docker\r\nX-Registry-Auth: secret-header\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let client = gate.client();
        client.send(&request);
        if line.contains("containers/create") {
            daemon.accept_with(&request).send(OK);
            client.expect(OK);
        } else {
            client.answer();
        }
    }
    // Without its head's end, a body is the beginning of a request that makes no sense.
    for bytes in [
        "POST /x?secret-query HTTP/1.1\r\nHost: docker\n",
        "{\"password\":\"secret-body\"}",
        "GET /x HTTP/1.1\r\nHost: docker\r\nsecret-header : x\r\n\r\n",
    ] {
        let client = gate.client();
        client.send(bytes);
        assert_eq!(client.answer().status, 400, "{bytes}");
    }
    let log = gate.log();
    assert!(log.contains("bare-line-feed") && log.contains("VolumeCreate"), "{log}");
    for secret in kept {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn a_path_can_not_write_to_the_terminal() {
    let (gate, daemon) = start(&[]);
    let client = gate.client();
    client.send("GET /\u{9b}31m HTTP/1.1\r\nHost: docker\r\n\r\n");
    assert_eq!(client.answer().status, 403);
    let client = gate.client();
    client.send("GET /\u{1b}[31mred\u{7} HTTP/1.1\r\nHost: docker\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    let log = gate.log();
    assert!(log.contains("\\x1b[31mred\\x07") && log.contains("/\\xc2\\x9b31m"), "{log}");
    let plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    assert!(log.bytes().all(plain), "{log:?}");
    daemon.expect_untouched();
}

#[test]
fn json_has_one_object_a_line_with_the_same_fields() {
    let (gate, daemon) = start(&[OPEN, &[("LOG_FORMAT", "json")]].concat());
    let client = gate.client();
    let write = format!("{WRITE} HTTP/1.1\r\nHost: docker\r\n\r\n");
    client.send(format!("{write}{FORBIDDEN}"));
    daemon.accept_with(&write).send(OK);
    client.expect(OK);
    assert_eq!(client.answer().status, 403);
    let client = gate.client();
    client.send("GET /\u{1b}\"\\x HTTP/1.1\r\nHost: docker\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    let log = gate.log();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    for line in &lines {
        for field in ["timestamp", "level", "message"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
    }
    let found = |words: &str| {
        let has = |line: &&serde_json::Value| line["message"].as_str().unwrap().contains(words);
        lines.iter().find(has).unwrap_or_else(|| panic!("{words}: {log}"))
    };
    let passed = found(WRITE);
    assert_eq!((&passed["level"], &passed["status"]), (&"INFO".into(), &200.into()));
    assert!(passed["client"].is_string() && passed["daemon_us"].is_u64(), "{passed}");
    let refused = found("refused GET /volumes");
    assert_eq!((&refused["level"], &refused["reason"]), (&"WARN".into(), &"withheld".into()));
    assert!(found("a malformed request")["reason"].is_string(), "{log}");
}
