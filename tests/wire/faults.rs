//! A daemon that is absent, dies or talks nonsense: the client is told in words or sees a clear
//! cut, never a wrong answer, and the gate recovers by itself.

use super::gate::{Dir, Gate, start};
use super::stand_in::{OK, PING, STREAMING, StandIn};
use std::fs::{self, File};

#[test]
fn a_missing_daemon_is_named_and_served_again_as_soon_as_it_is_back() {
    let gate = Gate::start(Dir::new(), &[]);
    let path = gate.dir.daemon();
    let client = gate.client();
    client.send(PING);
    let answer = client.answer();
    let message = answer.message();
    assert_eq!(answer.status, 503);
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(
        message.contains("is the daemon running, and is its socket mounted here?"),
        "{message}"
    );
    let line = format!("SystemPing: {message}").replace("dockgate: ", "");
    assert!(gate.log().contains(&line), "{line}: {}", gate.log());
    // The same connection serves as soon as there is somebody to serve it.
    let daemon = StandIn::at(&path);
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn what_is_wrong_with_the_socket_is_said() {
    let file = |dir: &Dir| drop(File::create(dir.daemon()).expect("a file"));
    let leftover = |dir: &Dir| drop(StandIn::at(&dir.daemon()));
    let waiting = [(&file as &dyn Fn(&Dir), "not a socket"), (&leftover, "connection refused")]
        .map(|(prepare, word)| {
            let dir = Dir::new();
            prepare(&dir);
            let gate = Gate::start(dir, &[]);
            let client = gate.client();
            client.send(PING);
            (gate, client, word)
        });
    for (gate, client, word) in waiting {
        let answer = client.answer();
        assert_eq!(answer.status, 503, "{word}");
        let path = gate.dir.daemon().display().to_string();
        let message = answer.message();
        assert!(message.contains(word) && message.contains(&path), "{message}");
    }
}

#[test]
fn a_directory_in_the_sockets_place_stops_the_start_and_is_named() {
    let dir = Dir::new();
    fs::create_dir(dir.daemon()).expect("a directory");
    let path = dir.daemon().display().to_string();
    let mut gate = Gate::start_anyhow(dir, &[]);
    assert_eq!(gate.wait().code(), Some(1));
    let log = gate.log();
    assert!(log.contains(&format!("SOCKET_PATH={path} is a directory")), "{log}");
}

#[test]
fn a_daemon_that_restarts_meanwhile_is_a_delay_and_no_error() {
    let gate = Gate::start(Dir::new(), &[]);
    let client = gate.client();
    client.send(PING);
    // By then the gate has found nobody at least once.
    client.expect_silence();
    let daemon = StandIn::at(&gate.dir.daemon());
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn a_body_for_a_missing_daemon_is_read_and_thrown_away() {
    let gate = Gate::start(Dir::new(), super::gate::OPEN);
    let client = gate.client();
    let upload = "POST /images/load HTTP/1.1\r\nHost: docker\r\n";
    client.send(format!("{upload}Content-Length: 5\r\n\r\nhello"));
    assert_eq!(client.answer().status, 503);
    client.send(format!("{upload}Transfer-Encoding: chunked\r\n\r\n5\r\nhe"));
    assert_eq!(client.answer().status, 503);
    client.send("llo\r\n0\r\n\r\n");
    let daemon = StandIn::at(&gate.dir.daemon());
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn an_answer_that_can_not_be_read_is_not_passed_on() {
    let (gate, daemon) = start(&[]);
    let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(1 << 20));
    for (answer, word) in [
        ("", "without an answer"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "inside its answer"),
        ("hello\r\n\r\n", "can't be read"),
        ("\0\0\x12\x04\0\0\0\0\0", "can't be read"),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", "bare-line-feed"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded"),
        ("HTTP/2.0 200 OK\r\n\r\n", "version"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nOK",
            "content-length-twice",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nOK", "content-length"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "length-and-encoding",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer-encoding"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "chunk-size"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n", "chunk-extension"),
        (&endless, "head-too-long"),
    ] {
        let client = gate.client();
        client.send(PING);
        let connection = daemon.accept_with(PING);
        // The gate may have had enough before all of it is sent.
        let _ = connection.try_send(answer);
        drop(connection);
        let answer = client.answer();
        assert_eq!(answer.status, 502, "{word}");
        assert!(answer.message().contains(word), "{word}: {}", answer.message());
        client.expect_end();
    }
}

#[test]
fn a_cut_answer_is_seen_to_be_cut() {
    let (gate, daemon) = start(&[]);
    for (head, rest) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "hello"),
        (STREAMING, "5\r\nhel"),
        (STREAMING, "5\r\nhello\r\n"),
        (STREAMING, "5\r\nhello\r\n0\r\n"),
    ] {
        let client = gate.client();
        client.send(PING);
        let connection = daemon.accept_with(PING);
        connection.send(head);
        client.expect(head);
        connection.send(rest);
        drop(connection);
        // Exactly what the daemon has said, and nothing that would make it whole.
        client.expect(rest);
        client.expect_end();
    }
    let cuts = gate.log().matches("the daemon closed the connection inside its answer").count();
    assert_eq!(cuts, 4);
}

#[test]
fn chunks_that_lose_their_framing_cut_the_answer() {
    let (gate, daemon) = start(&[]);
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(STREAMING);
    client.expect(STREAMING);
    connection.send("5\r\nhello\r\n");
    client.expect("5\r\nhello\r\n");
    connection.send("nonsense\r\n0\r\n\r\n");
    client.expect_end();
    connection.expect_gone();
}

#[test]
fn more_than_an_answer_is_not_an_answer_to_the_next_request() {
    let (gate, daemon) = start(&[]);
    for late in [false, true] {
        let client = gate.client();
        client.send(PING);
        let connection = daemon.accept_with(PING);
        if late {
            connection.send(OK);
            client.expect(OK);
            connection.send(OK);
        } else {
            connection.send(format!("{OK}{OK}"));
            client.expect(OK);
        }
        client.expect_end();
        connection.expect_gone();
    }
}

#[test]
fn a_daemon_that_closes_between_requests_closes_the_client() {
    let (gate, daemon) = start(&[]);
    let files = gate.files_without(gate.client());
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    drop(connection);
    client.expect_end();
    gate.expect_files(files);
}

#[test]
fn a_kept_connection_that_the_daemon_drops_is_just_closed() {
    let (gate, daemon) = start(&[]);
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    client.send(PING);
    connection.expect(PING);
    drop(connection);
    // As on the daemon's own socket: the client knows that it may try again.
    client.expect_end();
    daemon.expect_untouched();
}
