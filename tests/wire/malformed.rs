//! Bytes with more than one reading: refused, answered, closed, and the daemon sees nothing.

use super::gate::{Gate, OPEN, start};
use super::stand_in::StandIn;

/// Sends `bytes` on a new connection, which must be answered with `status` and a message with
/// `word` in it, and closed.
#[track_caller]
fn expect_refused(gate: &Gate, daemon: &StandIn, bytes: &[u8], status: u16, word: &str) {
    let sent = bytes[..bytes.len().min(200)].escape_ascii().to_string();
    let client = gate.client();
    client.send(bytes);
    let answer = client.answer();
    let message = answer.message();
    assert_eq!(answer.status, status, "{sent}: {message}");
    assert!(message.starts_with("dockgate: ") && message.contains(word), "{sent}: {message}");
    assert!(answer.head.contains("\r\nContent-Type: application/json\r\n"), "{sent}");
    assert!(answer.head.contains("\r\nConnection: close\r\n"), "{sent}");
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_request_line_with_another_reading_is_refused() {
    let (gate, daemon) = start(OPEN);
    for (line, status, word) in [
        ("GET  /_ping HTTP/1.1", 400, "start-line"),
        ("GET /_ping  HTTP/1.1", 400, "start-line"),
        ("GET /_ping HTTP/1.1 ", 400, "start-line"),
        ("GET\t/_ping HTTP/1.1", 400, "start-line"),
        ("GET /_ping", 400, "start-line"),
        ("GET /_ping http/1.1", 400, "start-line"),
        ("GET /_ping HTTP/1.2", 505, "version"),
        ("GET /_ping HTTP/2.0", 505, "version"),
        ("GET http://docker/_ping HTTP/1.1", 400, "target-form"),
        ("GET HTTPS://docker/_ping HTTP/1.1", 400, "target-form"),
        ("GET unix:///_ping HTTP/1.1", 400, "target-form"),
        ("GET _ping HTTP/1.1", 400, "target-form"),
        ("GET %2f_ping HTTP/1.1", 400, "target-form"),
        ("GET ?x HTTP/1.1", 400, "target-form"),
        ("OPTIONS * HTTP/1.1", 400, "target-form"),
        ("CONNECT docker:80 HTTP/1.1", 400, "target-form"),
        ("GET /_ping#f HTTP/1.1", 400, "target-byte"),
        ("GET /events?since=#f HTTP/1.1", 400, "target-byte"),
        ("GET /_ping\0 HTTP/1.1", 400, ""),
        ("GET /_ping\u{1} HTTP/1.1", 400, ""),
        ("GET /_ping\u{7f} HTTP/1.1", 400, ""),
        ("GET /%zz HTTP/1.1", 400, "target-escape"),
        ("GET /_ping% HTTP/1.1", 400, "target-escape"),
        ("GET /%+1 HTTP/1.1", 400, "target-escape"),
    ] {
        let head = format!("{line}\r\nHost: docker\r\n\r\n");
        expect_refused(&gate, &daemon, head.as_bytes(), status, word);
    }
}

#[test]
fn an_unclean_path_is_refused_however_it_is_written() {
    let (gate, daemon) = start(OPEN);
    for path in [
        "/containers/json/",
        "/volumes/",
        "/containers/a\\b/json",
        "/containers/a%5cb/json",
        "/_ping%00",
        "/_ping%0d%0a",
        "//_ping%0d%0aX:y",
        "/./a\\b",
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: docker\r\n\r\n");
        expect_refused(&gate, &daemon, head.as_bytes(), 400, "unclean-path");
    }
}

#[test]
fn header_lines_with_another_reading_are_refused() {
    let (gate, daemon) = start(OPEN);
    for (lines, status, word) in [
        ("Host: docker\r\nA: b\n", 400, "bare-line-feed"),
        ("Host: docker\nA: b\r\n", 400, "bare-line-feed"),
        ("Host: docker\r\nA: b\rC: d\r\n", 400, "bare-carriage-return"),
        ("Host: docker\r\nA: b\r\r\n", 400, "bare-carriage-return"),
        ("Host: docker\r\nA: b\r\n c\r\n", 400, "folded"),
        ("Host: docker\r\nTransfer-Encoding:\r\n\tchunked\r\n", 400, "folded"),
        (" Host: docker\r\n", 400, "folded"),
        ("Host : docker\r\n", 400, "field-name"),
        ("Host: docker\r\nContent-Length\t: 3\r\n", 400, "field-name"),
        ("Host: docker\r\n: b\r\n", 400, "field-name"),
        ("Host: docker\r\nA\r\n", 400, "field-name"),
        ("Host: docker\r\nA(: b\r\n", 400, "field-name"),
        ("Host: docker\r\nA: \0\r\n", 400, "field-value"),
        ("Host: docker\r\nA: \u{1}\r\n", 400, "field-value"),
        ("Host: docker\r\nhost: docker\r\n", 400, "host-twice"),
        ("A: b\r\n", 400, "host-missing"),
        (
            "Host: docker\r\nContent-Type: a/b\r\nContent-Type: a/\u{e9}\r\n",
            400,
            "content-type-byte",
        ),
        ("Host: docker\r\nContent-Type: a/\u{130}\r\n", 400, "content-type-byte"),
    ] {
        let head = format!("POST /images/load HTTP/1.1\r\n{lines}\r\n");
        expect_refused(&gate, &daemon, head.as_bytes(), status, word);
    }
}

#[test]
fn framing_with_another_reading_is_refused() {
    let (gate, daemon) = start(OPEN);
    for (lines, status, word) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400, "length-and-encoding"),
        ("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", 400, "length-and-encoding"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", 400, "content-length-twice"),
        ("Content-Length: +3\r\n", 400, "content-length"),
        ("Content-Length: -3\r\n", 400, "content-length"),
        ("Content-Length: 0x3\r\n", 400, "content-length"),
        ("Content-Length: 3, 3\r\n", 400, "content-length"),
        ("Content-Length:\r\n", 400, "content-length"),
        ("Content-Length: 9223372036854775808\r\n", 400, "content-length"),
        ("Content-Length: 99999999999999999999\r\n", 400, "content-length"),
        ("Transfer-Encoding: gzip\r\n", 501, "transfer-encoding"),
        ("Transfer-Encoding: chunked, identity\r\n", 501, "transfer-encoding"),
        ("Transfer-Encoding: identity\r\n", 501, "transfer-encoding"),
        ("Transfer-Encoding: xchunked\r\n", 501, "transfer-encoding"),
        ("Transfer-Encoding:\r\n", 501, "transfer-encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501, "transfer-encoding"),
    ] {
        let head = format!("POST /images/load HTTP/1.1\r\nHost: docker\r\n{lines}\r\nabc");
        expect_refused(&gate, &daemon, head.as_bytes(), status, word);
    }
    let old = b"POST /images/load HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    expect_refused(&gate, &daemon, old, 400, "encoding-on-old-version");
}

#[test]
fn chunks_with_another_reading_are_refused_before_the_daemon_sees_their_request() {
    let (gate, daemon) = start(OPEN);
    for (chunks, word) in [
        ("3;a=b\r\nabc\r\n0\r\n\r\n", "chunk-extension"),
        ("0;a=b\r\n\r\n", "chunk-extension"),
        ("\r\nabc", "chunk-size"),
        ("+3\r\nabc\r\n", "chunk-size"),
        ("0x3\r\nabc\r\n", "chunk-size"),
        (" 3\r\nabc\r\n", "chunk-size"),
        ("3 \r\nabc\r\n", "chunk-size"),
        ("00000000000000003\r\nabc\r\n", "chunk-size"),
        ("3\nabc\r\n", "chunk-line-end"),
        ("3\r\nabc\n", "chunk-line-end"),
        ("3\r\nabcd\r\n", "chunk-line-end"),
        ("3\r\nabc\r\n0\r\nA: b\r\n\r\n", "trailer"),
        ("0\r\n\n", "trailer"),
    ] {
        let request = format!(
            "POST /images/load HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        );
        expect_refused(&gate, &daemon, request.as_bytes(), 400, word);
    }
}

#[test]
fn what_is_not_http_is_told_so_at_its_first_byte() {
    let (gate, daemon) = start(OPEN);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\r\nGET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n",
        b"\nGET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n",
        b" ",
        b"\0",
        b"\xff",
    ] {
        expect_refused(&gate, &daemon, bytes, 400, "not-http");
    }
    let line = "refused a malformed request: this is not an HTTP/1.1 request (a TLS client?";
    assert!(gate.log().contains(line), "{}", gate.log());
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    expect_refused(&gate, &daemon, preface, 505, "version");
}

#[test]
fn a_head_has_limits() {
    let (gate, daemon) = start(OPEN);
    let long = format!("GET /_ping HTTP/1.1\r\nHost: docker\r\nA: {}\r\n\r\n", "b".repeat(65_536));
    expect_refused(&gate, &daemon, long.as_bytes(), 431, "head-too-long");
    // One that never ends is not collected either.
    expect_refused(&gate, &daemon, &vec![b'A'; 65_537], 431, "head-too-long");
    let many = format!("GET /_ping HTTP/1.1\r\nHost: docker\r\n{}\r\n", "A: b\r\n".repeat(128));
    expect_refused(&gate, &daemon, many.as_bytes(), 431, "too-many-fields");
}

#[test]
fn a_malformed_request_is_refused_wherever_its_bytes_are_cut() {
    let (gate, daemon) = start(OPEN);
    let request = b"POST /images/load HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\
                    Content-Length: 3\r\n\r\n";
    for cut in (1..request.len()).step_by(7) {
        let client = gate.client();
        client.send(&request[..cut]);
        client.expect_silence();
        client.send(&request[cut..]);
        assert_eq!(client.answer().status, 400, "cut at {cut}");
        client.expect_end();
    }
    daemon.expect_untouched();
}
