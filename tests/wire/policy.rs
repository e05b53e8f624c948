//! What is well-formed and not allowed: the daemon sees nothing of it, and the connection goes on
//! wherever the end of the request can still be found.

use super::gate::{OPEN, start};
use super::stand_in::{FORBIDDEN, OK, PING};

#[test]
fn a_refusal_says_why_and_the_connection_goes_on() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    for (line, more, status, word) in [
        ("GET /volumes", "", 403, "VOLUMES=1"),
        ("GET /v1.41/volumes?filters=x", "", 403, "VOLUMES=1"),
        ("POST /volumes/create", "Content-Length: 2\r\n\r\n{}", 403, "VOLUMES=1"),
        ("get /_ping", "", 403, "no operation"),
        ("POST /_ping", "", 403, "no operation"),
        ("BREW /_ping", "", 403, "no operation"),
        ("GET /containers/a/b", "", 403, "no operation"),
        ("GET /V1.41/_ping", "", 403, "no operation"),
        ("GET /", "", 403, "no operation"),
        ("OPTIONS /containers/json", "", 403, "no variable"),
        ("GET /debug/vars", "", 403, "no variable"),
        ("GET /debug/pprof/heap", "", 403, "no variable"),
        ("GET /containers%2fjson", "", 400, "%2F"),
        ("GET /containers/p%2Fjson", "", 400, "%2F"),
        ("GET /v1.41%2f_ping", "", 400, "%2F"),
        ("GET /v01.41/_ping", "", 400, "version prefix"),
        ("GET /v1.41.0/_ping", "", 400, "version prefix"),
        ("GET /v1/_ping", "", 400, "version prefix"),
    ] {
        let end = if more.is_empty() { "\r\n" } else { more };
        client.send(format!("{line} HTTP/1.1\r\nHost: docker\r\n{end}"));
        let answer = client.answer();
        let message = answer.message();
        assert_eq!(answer.status, status, "{line}: {message}");
        assert!(message.starts_with("dockgate: ") && message.contains(word), "{line}: {message}");
        assert!(answer.head.contains("\r\nContent-Type: application/json\r\n"), "{line}");
        assert!(!answer.head.contains("Connection"), "{line}");
    }
    daemon.expect_untouched();
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn a_form_is_refused_on_every_route_with_and_without_chunks() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    for route in ["/images/load", "/containers/p/rename?name=a", "/containers/p/attach", "/build"] {
        for form in [
            "application/x-www-form-urlencoded",
            "APPLICATION/x-www-FORM-urlencoded; charset=utf-8",
            "multipart/form-data; boundary=b",
        ] {
            for body in [
                "Content-Length: 6\r\n\r\nname=b",
                "Transfer-Encoding: chunked\r\n\r\n6\r\nname=b\r\n0\r\n\r\n",
            ] {
                client.send(format!(
                    "POST {route} HTTP/1.1\r\nHost: docker\r\nContent-Type: {form}\r\n{body}"
                ));
                assert_eq!(client.answer().status, 415, "{route} {form} {body}");
            }
        }
    }
    daemon.expect_untouched();
}

#[test]
fn a_form_without_a_body_is_no_form() {
    let (gate, daemon) = start(OPEN);
    let request = "POST /containers/p/kill HTTP/1.1\r\nHost: docker\r\n\
                   Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n";
    let client = gate.client();
    client.send(request);
    daemon.accept_with(request).send(OK);
    client.expect(OK);
}

#[test]
fn a_body_where_none_belongs_is_refused() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let chunked = "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let with_length = "Content-Length: 2\r\n\r\n{}";
    for (operation, body, word) in [
        ("GET /containers/p/attach/ws", with_length, "takes no body"),
        ("POST /session", chunked, "takes no body"),
        ("POST /grpc", with_length, "takes no body"),
        // A HostConfig, for an old daemon.
        ("POST /containers/p/start", "Content-Length: 8\r\n\r\n{\"a\":12}", "takes no body"),
        ("POST /containers/p/start", chunked, "takes no body"),
        // What the daemon would hand to the process as its input.
        ("POST /containers/p/attach", "Content-Length: 5\r\n\r\nrm *\n", "one JSON value"),
    ] {
        client.send(format!("{operation} HTTP/1.1\r\nHost: docker\r\nUpgrade: tcp\r\n{body}"));
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{operation}");
        assert!(answer.message().contains(word), "{operation}: {}", answer.message());
    }
    daemon.expect_untouched();
}

#[test]
fn a_short_refused_body_is_read_and_thrown_away() {
    let (gate, daemon) = start(OPEN);
    let refused = "POST /volumes/create HTTP/1.1\r\nHost: docker\r\n";
    let chunks = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000)).repeat(3);
    for (framing, body) in [
        ("Content-Length: 5\r\n\r\n", "hello".to_owned()),
        ("Content-Length: 262144\r\n\r\n", "x".repeat(262_144)),
        ("Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n".to_owned()),
        ("Transfer-Encoding: chunked\r\n\r\n", format!("{chunks}0\r\n\r\n")),
    ] {
        let client = gate.client();
        // The body comes after the refusal, as it does from a client that does not look.
        client.send(format!("{refused}{framing}"));
        assert_eq!(client.answer().status, 403, "{framing}");
        client.send(format!("{body}{PING}"));
        daemon.accept_with(PING).send(OK);
        client.expect(OK);
    }
}

#[test]
fn a_long_refused_body_ends_the_connection_but_not_before_the_answer_is_read() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let head = "POST /volumes/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 8388608\r\n\r\n";
    // The body begins in the head's packet.
    client.send(format!("{head}xxx"));
    client.send(vec![b'x'; 4 << 20]);
    let answer = client.answer();
    assert_eq!(answer.status, 403);
    assert!(answer.head.contains("\r\nConnection: close\r\n"), "{}", answer.head);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn an_endless_refused_body_ends_the_connection_too() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let head =
        "POST /volumes/create HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head);
    client.send(format!("100000\r\n{}\r\n", "x".repeat(0x10_0000)));
    assert_eq!(client.answer().status, 403);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_refused_client_that_waits_for_100_gets_the_refusal_and_the_end() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(
        "POST /volumes/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    );
    let answer = client.answer();
    assert_eq!(answer.status, 403);
    assert!(answer.head.contains("\r\nConnection: close\r\n"), "{}", answer.head);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_refusal_closes_where_the_client_wants_it_to() {
    let (gate, daemon) = start(OPEN);
    for head in [
        "GET /volumes HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n",
        "GET /volumes HTTP/1.0\r\n\r\n",
        "GET /volumes HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ] {
        let client = gate.client();
        client.send(head);
        let answer = client.answer();
        assert_eq!(answer.status, 403, "{head}");
        assert!(answer.head.contains("\r\nConnection: close\r\n"), "{head}");
        client.expect_end();
    }
    daemon.expect_untouched();
}

#[test]
fn a_head_request_is_refused_without_a_body() {
    let (gate, daemon) = start(&[("PING", "0")]);
    let client = gate.client();
    client.send("HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n");
    let head = client.read_head();
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
    // The next answer begins right there.
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    daemon.expect_untouched();
}
