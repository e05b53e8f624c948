//! What the daemon is asked before a request may pass: on the client's own connection to it,
//! before a byte of the request, and nothing passes without an answer that can be read.

use super::admission::create;
use super::gate::{OPEN, start};
use super::peer::Peer;
use super::stand_in::{OK, PING};

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
pub fn expect_served(client: &Peer, connection: &Peer, request: &str) {
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
    let (gate, daemon) = start(OPEN);
    let long = format!("{VOLUME}{}", " ".repeat(1 << 20));
    let long_chunk = format!(
        "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let long = answer(200, &long);
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
fn what_came_unasked_is_not_an_answer_either() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(PING);
    let kept = daemon.accept();
    expect_served(&client, &kept, PING);
    // While a body is under way, the gate does not look at the daemon.
    let request = create_with(&["data"]);
    let (most, last) = request.split_at(request.len() - 1);
    client.send(most);
    client.expect_silence();
    kept.send(answer(404, "{}"));
    client.send(last);
    let fresh = daemon.accept_with(question("data"));
    kept.expect_gone();
    fresh.send(answer(200, BOUND));
    assert_eq!(client.answer().status, 403);
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
