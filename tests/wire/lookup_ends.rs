//! How a question to the daemon ends where somebody goes: the daemon, the client, or the gate.

use super::gate::{Dir, Gate, OPEN, start, start_in};
use super::lookups::{BOUND, answer, create_with, expect_served, question};
use super::stand_in::{OK, PING, StandIn};
use std::fs;

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
fn a_kept_connection_that_ends_inside_its_answer_is_not_replaced() {
    let (gate, daemon) = start(OPEN);
    for begun in ["H", "HTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\n{"] {
        let client = gate.client();
        client.send(PING);
        let kept = daemon.accept();
        expect_served(&client, &kept, PING);
        client.send(create_with(&["data"]));
        kept.expect(question("data"));
        kept.send(begun);
        drop(kept);
        assert_eq!(client.answer().status, 502, "{begun}");
        daemon.expect_untouched();
    }
    let words = "no answer to GET /volumes/data, on which POST /v1.41/containers/create depends: \
                 the daemon closed the connection inside its answer";
    assert_eq!(gate.log().matches(words).count(), 2, "{}", gate.log());
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
fn a_daemon_that_goes_after_its_answer_is_missed_and_the_client_stays() {
    let put =
        "PUT /containers/web/archive HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\n\r\ntar";
    let container =
        "HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n{\"Id\":\"0\"}";
    let nothing = "HTTP/1.1 404 x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    for (request, said) in [(create_with(&["data"]).as_str(), nothing), (put, container)] {
        let (gate, daemon) = start(OPEN);
        let client = gate.client();
        client.send(request);
        let connection = daemon.accept();
        assert!(connection.read_head().starts_with("GET /"));
        fs::remove_file(gate.dir.daemon()).expect("the daemon's socket");
        drop(daemon);
        connection.send(said);
        connection.expect_end();
        assert_eq!(client.answer().status, 503);
        let daemon = StandIn::at(&gate.dir.daemon());
        client.send(PING);
        expect_served(&client, &daemon.accept(), PING);
    }
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
