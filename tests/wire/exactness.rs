//! What is allowed reaches the daemon as the very bytes that the client sent, in whatever pieces
//! they come, one request at a time.

use super::gate::{OPEN, start};
use super::stand_in::{FORBIDDEN, OK, PING};
use std::thread;
use std::time::Duration;

const UPLOAD: &str = "POST /v1.41/images/load?quiet=1 HTTP/1.1\r\nHost: docker\r\n\
                      Transfer-Encoding: chunked\r\nContent-Type: application/x-tar\r\n\r\n\
                      5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n";

#[test]
fn odd_but_legal_requests_arrive_as_they_were_written() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let many = format!("GET /_ping HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(127));
    let mut connection = None;
    for request in [
        "GET /_ping HTTP/1.1\r\nhOsT:docker\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: \t docker \t \r\nX_Y-z: \u{e9}\t;,=\"\r\nX_Y-z: again\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nZ: last\r\nContent-Length: 0\r\nA: first\r\nHOST: docker\r\n\r\n",
        "GET /%5fping?a=%zz&&b=c?/../d;e HTTP/1.1\r\nHost: docker\r\n\r\n",
        "GET /%5F%70ing HTTP/1.1\r\nHost: docker\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "GET /v1.41/_ping? HTTP/1.1\r\nHost: docker\r\n\r\n",
        "GET /v1%2e41/_ping HTTP/1.1\r\nHost: docker\r\n\r\n",
        "GET /images/docker.io%2Flibrary%2fx:1/json HTTP/1.1\r\nHost: docker\r\n\r\n",
        "GET /containers/json HTTP/1.1\r\nHost: docker\r\nContent-Length: 003\r\n\r\nabc",
        "DELETE /containers/p HTTP/1.1\r\nHost: docker\r\ntransfer-encoding:\tChUnKeD \r\n\r\n0\r\n\r\n",
        "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type:APPLICATION/json ;\r\n\
         content-LENGTH: \t2 \r\n\r\n{}",
        UPLOAD,
        &many,
    ] {
        client.send(request);
        connection.get_or_insert_with(|| daemon.accept()).expect(request);
        connection.as_ref().expect("accepted").send(OK);
        client.expect(OK);
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    for byte in UPLOAD.as_bytes() {
        client.send([*byte]);
        thread::sleep(Duration::from_micros(300));
    }
    daemon.accept_with(UPLOAD).send(OK);
    client.expect(OK);
}

#[test]
fn a_request_may_be_cut_anywhere() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let mut connection = None;
    for cut in 1..UPLOAD.len() {
        let (first, second) = UPLOAD.split_at(cut);
        client.send(first);
        thread::sleep(Duration::from_millis(1));
        client.send(second);
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(UPLOAD);
        connection.send(OK);
        client.expect(OK);
    }
}

#[test]
fn nothing_of_a_request_is_sent_before_its_head_is_whole() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let (most, rest) = PING.split_at(PING.len() - 1);
    client.send(most);
    client.expect_silence();
    daemon.expect_untouched();
    client.send(rest);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn pipelined_requests_go_one_at_a_time() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(format!("{PING}{UPLOAD}{PING}"));
    let connection = daemon.accept_with(PING);
    connection.expect_silence();
    let (most, rest) = OK.split_at(OK.len() - 1);
    connection.send(most);
    client.expect(most);
    connection.expect_silence();
    connection.send(rest);
    connection.expect(UPLOAD);
    connection.expect_silence();
    connection.send(OK);
    connection.expect(PING);
    connection.send(OK);
    client.expect(format!("{rest}{OK}{OK}"));
    daemon.expect_untouched();
}

#[test]
fn a_refusal_among_pipelined_requests_keeps_its_place() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(format!("{FORBIDDEN}{PING}{FORBIDDEN}{PING}"));
    assert_eq!(client.answer().status, 403);
    let connection = daemon.accept_with(PING);
    client.expect_silence();
    connection.send(OK);
    client.expect(OK);
    assert_eq!(client.answer().status, 403);
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn a_malformed_request_behind_a_good_one_ends_the_connection_after_its_answer() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(format!("{PING}\r\n{PING}"));
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    assert_eq!(client.answer().status, 400);
    client.expect_end();
    connection.expect_end();
}

#[test]
fn a_client_that_has_sent_all_its_requests_may_end_its_side() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(format!("{PING}{PING}"));
    client.end();
    let connection = daemon.accept_with(PING);
    // As on the daemon's own socket, where the second request hides the end behind it.
    connection.expect_silence();
    connection.send(OK);
    connection.expect(PING);
    connection.send(OK);
    client.expect(format!("{OK}{OK}"));
    client.expect_end();
}

#[test]
fn each_client_has_a_connection_of_its_own() {
    let (gate, daemon) = start(OPEN);
    let (first, second) = (gate.client(), gate.client());
    first.send(PING);
    let of_first = daemon.accept_with(PING);
    second.send(PING);
    let of_second = daemon.accept_with(PING);
    of_second.send(OK);
    second.expect(OK);
    first.expect_silence();
    drop(second);
    of_second.expect_end();
    of_first.send(OK);
    first.expect(OK);
    // What the second client has left behind is not the first one's.
    first.send(PING);
    of_first.expect(PING);
    daemon.expect_untouched();
}
