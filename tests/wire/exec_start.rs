//! Starting an exec: the daemon takes over the connection as soon as the JSON is complete and
//! hands what follows to the process, so the gate collects the body and sends it in one piece.

use super::gate::{STREAMS, start};
use super::hijack::UPGRADED;
use super::stand_in::{OK, PING};

const JSON: &str = "{\"Detach\":false,\"Tty\":false}\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// A request to start an exec, its head to be ended with these lines.
fn exec_start(lines: &str) -> String {
    format!(
        "POST /v1.41/exec/7728/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n\
         Upgrade: tcp\r\n{lines}Connection: Upgrade\r\n\r\n"
    )
}

fn with_length(body: &str) -> String {
    format!("{}{body}", exec_start(&format!("Content-Length: {}\r\n", body.len())))
}

#[test]
fn a_body_with_a_length_arrives_as_it_was_sent_and_in_one_piece() {
    let (gate, daemon) = start(STREAMS);
    let client = gate.client();
    let request = with_length(JSON);
    let (head, body) = request.split_at(request.len() - JSON.len());
    client.send(head);
    for byte in body.as_bytes() {
        daemon.expect_untouched();
        client.send([*byte]);
    }
    client.send("early");
    let connection = daemon.accept();
    assert_eq!(
        connection.read_once().escape_ascii().to_string(),
        request.escape_default().to_string()
    );
    connection.expect_silence();
    connection.send(UPGRADED);
    client.expect(UPGRADED);
    connection.expect("early");
}

#[test]
fn a_body_in_chunks_is_sent_with_its_length_and_nothing_else_changes() {
    let (gate, daemon) = start(STREAMS);
    for lines in ["Transfer-Encoding: chunked\r\n", "transfer-encoding:\tCHUNKED \r\n"] {
        let (first, second) = JSON.split_at(7);
        let client = gate.client();
        client.send(exec_start(lines));
        client.send(format!("{:x}\r\n{first}\r\n", first.len()));
        client.send(format!("{:x}\r\n{second}\r\n0\r\n\r\nearly", second.len()));
        let connection = daemon.accept();
        let got = String::from_utf8(connection.read_once()).expect("text");
        assert_eq!(got, with_length(JSON));
        connection.expect_silence();
        connection.send(UPGRADED);
        client.expect(UPGRADED);
        connection.expect("early");
    }
}

#[test]
fn a_body_that_is_not_one_json_value_is_refused() {
    let (gate, daemon) = start(STREAMS);
    let client = gate.client();
    for body in [
        "{}x",
        "{}{}",
        "{} rm -rf /\n",
        "{}   ",
        "{",
        "nothing",
        "\u{feff}{}",
        "{\"Detach\":false,}",
    ] {
        client.send(with_length(body));
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.message().contains("one JSON value"), "{body}: {}", answer.message());
    }
    daemon.expect_untouched();
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn a_body_in_bad_chunks_is_refused() {
    let (gate, daemon) = start(STREAMS);
    for chunks in ["2;x=y\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n0\r\nA: b\r\n\r\n", "+2\r\n{}\r\n"] {
        let client = gate.client();
        client.send(format!("{}{chunks}", exec_start("Transfer-Encoding: chunked\r\n")));
        assert_eq!(client.answer().status, 400, "{chunks}");
        client.expect_end();
    }
    daemon.expect_untouched();
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let (gate, daemon) = start(&[STREAMS, &[("MAX_JSON_BYTES", "1024")]].concat());
    let client = gate.client();
    let most = format!("{:>1024}", "{}");
    let more = format!("{:>1025}", "{}");
    client.send(with_length(&most));
    let connection = daemon.accept_with(with_length(&most));
    connection.send(OK);
    client.expect(OK);
    for request in [
        with_length(&more),
        format!("{}401\r\n{more}\r\n0\r\n\r\n", exec_start("Transfer-Encoding: chunked\r\n")),
    ] {
        client.send(request);
        let answer = client.answer();
        assert_eq!(answer.status, 413);
        assert!(answer.message().contains("MAX_JSON_BYTES"), "{}", answer.message());
    }
    client.send(PING);
    connection.expect(PING);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let (gate, daemon) = start(&[STREAMS, &[("HEAD_TIMEOUT", "1")]].concat());
    let client = gate.client();
    client.send(&with_length(JSON)[..with_length(JSON).len() - 1]);
    assert_eq!(client.answer().status, 408);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_client_that_waits_for_100_gets_it_once() {
    let (gate, daemon) = start(STREAMS);
    let client = gate.client();
    let head = exec_start(&format!("Expect: 100-continue\r\nContent-Length: {}\r\n", JSON.len()));
    client.send(&head);
    client.expect(CONTINUE);
    client.send(JSON);
    let connection = daemon.accept_with(format!("{head}{JSON}"));
    connection.send(format!("{CONTINUE}{UPGRADED}"));
    client.expect(UPGRADED);
}

#[test]
fn a_client_that_is_refused_is_not_told_to_go_on() {
    let (gate, daemon) = start(&[("PING", "1")]);
    let client = gate.client();
    client.send(exec_start("Expect: 100-continue\r\nContent-Length: 2\r\n"));
    assert_eq!(client.answer().status, 403);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_detached_exec_leaves_the_connection_http() {
    let (gate, daemon) = start(STREAMS);
    let client = gate.client();
    let request = with_length("{\"Detach\":true}");
    client.send(format!("{request}{PING}"));
    let connection = daemon.accept_with(request);
    connection.expect_silence();
    connection.send(OK);
    client.expect(OK);
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}
