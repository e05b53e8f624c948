//! What the daemon is asked before a request may pass: on the client's own connection to it,
//! before a byte of the request, and nothing passes without an answer that can be read.

use super::admission::create;
use super::gate::{Dir, Gate, OPEN, start, start_in};
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};

/// A create that names a volume.
pub fn create_with(volumes: &[&str]) -> String {
    let binds: Vec<String> = volumes.iter().map(|name| format!("\"{name}:/{name}\"")).collect();
    create(&format!("{{\"HostConfig\":{{\"Binds\":[{}]}}}}", binds.join(",")))
}

/// The question about a volume.
pub fn question(volume: &str) -> String {
    format!("GET /volumes/{volume} HTTP/1.1\r\nHost: dockgate\r\n\r\n")
}

/// An answer with a length.
pub fn answer(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A volume that mounts nothing of the host.
pub const VOLUME: &str = "{\"Name\":\"data\",\"Driver\":\"local\",\"Options\":null}";

/// One that does.
pub const BOUND: &str = "{\"Name\":\"data\",\"Driver\":\"local\",\
                         \"Options\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/etc\"}}";

/// The daemon gets the request and answers it, the client the answer.
#[track_caller]
fn expect_served(client: &Peer, connection: &Peer, request: &str) {
    connection.expect(request);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn a_volume_is_asked_about_before_a_byte_of_the_create_on_the_same_connection() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let request = create_with(&["data"]);
    let mut connection = None;
    for said in [answer(404, "{}"), answer(200, VOLUME)] {
        client.send(&request);
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(question("data"));
        connection.expect_silence();
        connection.send(said);
        expect_served(&client, connection, &request);
    }
    client.expect_silence();
    daemon.expect_untouched();
}

#[test]
fn each_use_of_a_volume_is_asked_about_in_turn() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let request = create_with(&["a", "b.c_d-e", "a"]);
    client.send(&request);
    let connection = daemon.accept();
    for name in ["a", "b.c_d-e", "a"] {
        connection.expect(question(name));
        connection.expect_silence();
        connection.send(answer(404, "{}"));
    }
    expect_served(&client, &connection, &request);
}

#[test]
fn a_volume_that_is_a_bind_mount_is_refused_and_both_connections_stay() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(create_with(&["plain", "data", "never"]));
    let connection = daemon.accept_with(question("plain"));
    connection.send(answer(200, VOLUME));
    connection.expect(question("data"));
    connection.send(answer(200, BOUND));
    let refusal = client.answer();
    assert_eq!(refusal.status, 403);
    for words in ["HostConfig.Binds[1] \"data\"", "ALLOW_BIND_MOUNTS=/etc"] {
        assert!(refusal.message().contains(words), "{}", refusal.message());
    }
    connection.expect_silence();
    client.send(PING);
    expect_served(&client, &connection, PING);
    daemon.expect_untouched();
}

#[test]
fn what_is_refused_anyway_is_not_asked_about() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(create("{\"HostConfig\":{\"Binds\":[\"data:/d\"],\"Privileged\":true}}"));
    assert_eq!(client.answer().status, 403);
    daemon.expect_untouched();
}

#[test]
fn an_answer_may_come_in_any_legal_form() {
    let (gate, daemon) = start(OPEN);
    let request = create_with(&["data"]);
    let length = VOLUME.len();
    let (first, second) = VOLUME.split_at(9);
    for said in [
        answer(200, VOLUME),
        format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n{}",
            answer(200, VOLUME)
        ),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        ),
        format!(
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n{VOLUME}"
        ),
    ] {
        for in_pieces in [false, true] {
            let client = gate.client();
            client.send(&request);
            let connection = daemon.accept_with(question("data"));
            let pieces = if in_pieces { 1 } else { said.len() };
            for piece in said.as_bytes().chunks(pieces) {
                connection.send(piece);
            }
            expect_served(&client, &connection, &request);
        }
    }
}

#[test]
fn a_daemon_that_closes_after_its_answer_is_connected_to_again() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let request = create_with(&["a", "b"]);
    client.send(&request);
    let first = daemon.accept_with(question("a"));
    first.send("HTTP/1.1 404 x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    let second = daemon.accept_with(question("b"));
    first.expect_end();
    second.send("HTTP/1.0 404 x\r\nContent-Length: 2\r\n\r\n{}");
    let third = daemon.accept();
    second.expect_end();
    expect_served(&client, &third, &request);
}

#[test]
fn an_answer_that_can_not_be_used_is_none() {
    let dir = Dir::new();
    let (gate, daemon) = start_in(dir, &[OPEN, &[("MAX_JSON_BYTES", "1024")]].concat());
    let long = answer(200, &format!("{VOLUME}{}", " ".repeat(1024)));
    let long_chunk = format!(
        "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n{VOLUME:<1025}\r\n0\r\n\r\n"
    );
    for (said, is_readable) in [
        (answer(500, "{\"message\":\"x\"}"), true),
        (answer(200, "garbage"), true),
        (answer(200, ""), true),
        (answer(200, "[]"), true),
        (answer(200, "{\"Driver\":\"local\",\"driver\":\"local\",\"Options\":null}"), true),
        (answer(301, VOLUME), true),
        (long, false),
        (long_chunk, false),
        ("nonsense\r\n\r\n".to_owned(), false),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            false,
        ),
        (format!("HTTP/1.1 200 OK\r\n\r\n{VOLUME}"), false),
        ("HTTP/1.1 101 x\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n".to_owned(), false),
    ] {
        let client = gate.client();
        client.send(create_with(&["data"]));
        let connection = daemon.accept_with(question("data"));
        // The gate may have had enough before all of it is sent.
        let _ = connection.try_send(&said);
        let refusal = client.answer();
        assert_eq!(refusal.status, 502, "{said}: {}", refusal.message());
        assert!(
            refusal.message().contains("HostConfig.Binds[0] \"data\""),
            "{}",
            refusal.message()
        );
        client.send(PING);
        if is_readable {
            expect_served(&client, &connection, PING);
        } else {
            connection.expect_gone();
            let connection = daemon.accept();
            expect_served(&client, &connection, PING);
        }
    }
    assert!(gate.log().contains("reason=\"unanswered\""));
}

#[test]
fn an_answer_that_breaks_off_is_none_and_is_not_asked_for_again() {
    let (gate, daemon) = start(OPEN);
    let whole = answer(200, VOLUME);
    for cut in [0, 1, 20, whole.len() - VOLUME.len(), whole.len() - 1] {
        let client = gate.client();
        client.send(create_with(&["data"]));
        let connection = daemon.accept_with(question("data"));
        connection.send(&whole[..cut]);
        drop(connection);
        assert_eq!(client.answer().status, 502, "{cut}");
        daemon.expect_untouched();
        client.send(PING);
        let connection = daemon.accept();
        expect_served(&client, &connection, PING);
    }
}

#[test]
fn more_than_an_answer_is_not_an_answer_to_the_next_question() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let request = create_with(&["a", "b"]);
    client.send(&request);
    let first = daemon.accept_with(question("a"));
    first.send(format!("{}{}", answer(404, "{}"), answer(404, "{}")));
    let second = daemon.accept_with(question("b"));
    first.expect_gone();
    second.send(answer(200, BOUND));
    assert_eq!(client.answer().status, 403);
    second.expect_silence();
}

#[test]
fn a_kept_connection_that_ends_before_its_answer_is_replaced() {
    let (gate, daemon) = start(OPEN);
    let request = create_with(&["a", "b"]);
    for begun in [false, true] {
        let client = gate.client();
        client.send(format!("{PING}{}", if begun { &request } else { "" }));
        let kept = daemon.accept_with(PING);
        kept.send(OK);
        client.expect(OK);
        if begun {
            // It has read the question, so it ends properly.
            kept.expect(question("a"));
            drop(kept);
        } else {
            // The body is under way: the gate does not look at the daemon.
            client.send(&request[..request.len() - 1]);
            client.expect_silence();
            drop(kept);
            client.send(&request[request.len() - 1..]);
        }
        let fresh = daemon.accept_with(question("a"));
        fresh.send(answer(404, "{}"));
        // Kept by now: it may end as well.
        fresh.expect(question("b"));
        drop(fresh);
        let last = daemon.accept_with(question("b"));
        last.send(answer(404, "{}"));
        expect_served(&client, &last, &request);
    }
    daemon.expect_untouched();
}

#[test]
fn a_daemon_that_drops_a_looked_up_create_has_failed() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let request = create_with(&["data"]);
    client.send(&request);
    let connection = daemon.accept_with(question("data"));
    connection.send(answer(404, "{}"));
    connection.expect(&request);
    drop(connection);
    let failure = client.answer();
    assert_eq!(failure.status, 502);
    assert!(failure.message().contains("without an answer"), "{}", failure.message());
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_daemon_that_is_not_there_can_not_be_asked() {
    let gate = Gate::start(Dir::new(), OPEN);
    let client = gate.client();
    client.send(create_with(&["data"]));
    let failure = client.answer();
    assert_eq!(failure.status, 503);
    assert!(failure.message().contains("cannot connect"), "{}", failure.message());
    let daemon = StandIn::at(&gate.dir.daemon());
    client.send(PING);
    let connection = daemon.accept();
    expect_served(&client, &connection, PING);
}

#[test]
fn a_request_behind_a_looked_up_one_waits_for_its_end() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let request = create_with(&["data"]);
    client.send(format!("{request}{request}{PING}"));
    let connection = daemon.accept();
    for _ in 0..2 {
        connection.expect(question("data"));
        connection.expect_silence();
        connection.send(answer(404, "{}"));
        connection.expect(&request);
        connection.expect_silence();
        connection.send(OK);
        client.expect(OK);
    }
    expect_served(&client, &connection, PING);
}

#[test]
fn a_client_that_goes_while_the_daemon_is_asked_takes_the_question_with_it() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!("127.0.0.1:0,unix://{}", path.display());
    let (gate, daemon) = start_in(dir, &[OPEN, &[("LISTEN", &listen)]].concat());
    let files = gate.files_without(gate.client());
    for is_unix in [false, true] {
        let client = if is_unix { Gate::unix_client(&path) } else { gate.client() };
        client.send(create_with(&["data"]));
        let connection = daemon.accept_with(question("data"));
        client.reset();
        connection.expect_end();
        gate.expect_files(files);
    }
}

#[test]
fn a_half_close_does_not_take_the_question_with_it() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!("127.0.0.1:0,unix://{}", path.display());
    let (gate, daemon) = start_in(dir, &[OPEN, &[("LISTEN", &listen)]].concat());
    for is_unix in [false, true] {
        let client = if is_unix { Gate::unix_client(&path) } else { gate.client() };
        let request = create_with(&["data"]);
        client.send(&request);
        client.end();
        let connection = daemon.accept_with(question("data"));
        connection.expect_silence();
        connection.send(answer(404, "{}"));
        connection.expect(&request);
        // Now it is the daemon's to know, as on its own socket.
        connection.expect_end();
        connection.send(OK);
        client.expect(OK);
    }
}

#[test]
fn a_question_under_way_is_answered_although_the_gate_is_told_to_end() {
    for said in [answer(404, "{}"), answer(200, BOUND)] {
        let (mut gate, daemon) = start(OPEN);
        let client = gate.client();
        let request = create_with(&["data"]);
        client.send(&request);
        let connection = daemon.accept_with(question("data"));
        gate.terminate();
        gate.wait_for_log("SIGTERM");
        connection.send(&said);
        if said.contains("bind") {
            let refusal = client.answer();
            assert_eq!(refusal.status, 403);
            assert!(refusal.head.contains("\r\nConnection: close\r\n"), "{}", refusal.head);
        } else {
            expect_served(&client, &connection, &request);
        }
        client.expect_end();
        drop(client);
        connection.expect_end();
        assert_eq!(gate.wait().code(), Some(0));
    }
}

#[test]
fn without_a_grace_a_question_is_cut() {
    let (mut gate, daemon) = start(&[OPEN, &[("SHUTDOWN_GRACE", "0")]].concat());
    let client = gate.client();
    client.send(create_with(&["data"]));
    let connection = daemon.accept_with(question("data"));
    gate.terminate();
    client.expect_end();
    connection.expect_end();
    assert_eq!(gate.wait().code(), Some(0));
}
