//! Arguments on the wire: of what is refused the daemon sees nothing, not even a connection; what
//! passes goes on byte for byte, and in one piece.

use super::gate::{Gate, OPEN, start};
use super::peer::{Answer, Peer};
use super::stand_in::{OK, PING, StandIn};

pub const PLAIN: &str = "{\"Image\":\"a\",\"HostConfig\":{\"Memory\":4096}}\n";
pub const PRIVILEGED: &str = "{\"Image\":\"a\",\"HostConfig\":{\"Privileged\":true}}\n";

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// A head of `POST /containers/create` with these lines.
pub fn create_head(lines: &str) -> String {
    format!("POST /v1.41/containers/create?name=n HTTP/1.1\r\nHost: docker\r\n{lines}\r\n")
}

/// A request to create a container.
pub fn create(body: &str) -> String {
    format!("{}{body}", create_head(&format!("{JSON}Content-Length: {}\r\n", body.len())))
}

/// The same in chunks of so many bytes; the body is ASCII.
fn create_in_chunks(body: &str, size: usize) -> String {
    let chunk = |bytes: &[u8]| {
        let text = str::from_utf8(bytes).expect("ASCII");
        format!("{:x}\r\n{text}\r\n", text.len())
    };
    let chunks: Vec<String> = body.as_bytes().chunks(size).map(chunk).collect();
    let head = create_head(&format!("{JSON}Transfer-Encoding: chunked\r\n"));
    format!("{head}{}0\r\n\r\n", chunks.concat())
}

/// The refusal of privileged containers.
#[track_caller]
pub fn expect_privileged_refused(answer: &Answer) {
    let message = answer.message();
    assert_eq!(answer.status, 403, "{message}");
    for words in ["dockgate: POST", "HostConfig.Privileged", "ALLOW_PRIVILEGED=1"] {
        assert!(message.contains(words), "{words}: {message}");
    }
}

/// The client's connection is as good as new.
#[track_caller]
pub fn expect_usable(client: &Peer, daemon: &StandIn) -> Peer {
    daemon.expect_untouched();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    connection
}

#[test]
fn a_refused_create_leaves_the_daemon_alone_and_the_connection_usable() {
    let (gate, daemon) = start(OPEN);
    for request in
        [create(PRIVILEGED), create_in_chunks(PRIVILEGED, 1000), create_in_chunks(PRIVILEGED, 7)]
    {
        let client = gate.client();
        for _ in 0..3 {
            client.send(&request);
            let answer = client.answer();
            expect_privileged_refused(&answer);
            assert!(!answer.head.contains("Connection"), "{}", answer.head);
        }
        expect_usable(&client, &daemon);
    }
}

#[test]
fn a_refused_create_in_many_pieces_is_refused_once_it_is_whole() {
    let (gate, daemon) = start(OPEN);
    for request in [create(PRIVILEGED), create_in_chunks(PRIVILEGED, 5)] {
        let client = gate.client();
        let (last, most) = request.as_bytes().split_last().expect("a request");
        for byte in most {
            client.send([*byte]);
        }
        client.expect_silence();
        client.send([*last]);
        expect_privileged_refused(&client.answer());
        expect_usable(&client, &daemon);
    }
}

#[test]
fn pipelined_requests_are_judged_one_by_one() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let (refused, passing) = (create(PRIVILEGED), create(PLAIN));
    client.send(format!("{refused}{passing}{refused}{PING}"));
    expect_privileged_refused(&client.answer());
    let connection = daemon.accept_with(&passing);
    connection.expect_silence();
    connection.send(OK);
    client.expect(OK);
    expect_privileged_refused(&client.answer());
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn a_body_that_is_waited_for_with_100_is_examined_too() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let head = |body: &str| {
        create_head(&format!("{JSON}Expect: 100-continue\r\nContent-Length: {}\r\n", body.len()))
    };
    client.send(head(PRIVILEGED));
    client.expect(CONTINUE);
    client.send(PRIVILEGED);
    let answer = client.answer();
    expect_privileged_refused(&answer);
    // All of the body has come: its end is known.
    assert!(!answer.head.contains("Connection"), "{}", answer.head);
    daemon.expect_untouched();
    client.send(head(PLAIN));
    client.expect(CONTINUE);
    client.send(PLAIN);
    let connection = daemon.accept_with(format!("{}{PLAIN}", head(PLAIN)));
    connection.send(format!("{CONTINUE}{OK}"));
    client.expect(OK);
    client.expect_silence();
}

#[test]
fn an_old_client_is_refused_with_the_end_of_its_connection() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(create(PRIVILEGED).replace("HTTP/1.1", "HTTP/1.0"));
    let answer = client.answer();
    expect_privileged_refused(&answer);
    assert!(answer.head.contains("\r\nConnection: close\r\n"), "{}", answer.head);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_refused_client_that_wants_the_end_gets_it() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(create(PRIVILEGED).replace("\r\nHost", "\r\nConnection: close\r\nHost"));
    expect_privileged_refused(&client.answer());
    client.expect_end();
    daemon.expect_untouched();
}

/// What the daemon reads in one piece of a request that passes.
#[track_caller]
fn forwarded(gate: &Gate, daemon: &StandIn, request: &str) -> String {
    let client = gate.client();
    client.send(request);
    let connection = daemon.accept();
    let got = String::from_utf8(connection.read_once()).expect("text");
    connection.expect_silence();
    connection.send(OK);
    client.expect(OK);
    client.send(PING);
    connection.expect(PING);
    got
}

#[test]
fn what_passes_goes_on_as_it_came_and_in_one_piece() {
    let (gate, daemon) = start(OPEN);
    let length = PLAIN.len();
    for lines in [
        format!("Content-Length: {length}\r\n"),
        format!("content-LENGTH:\t{length}  \r\nX-Odd:   y\t \r\nx-odd: Z\r\n"),
        format!("Content-Length:000{length}\r\nAccept-Encoding: gzip\r\n"),
        format!("X-Registry-Auth: e30=\r\nContent-Length: {length}\r\nUser-Agent: \r\n"),
    ] {
        let request = format!("{}{PLAIN}", create_head(&lines));
        assert_eq!(forwarded(&gate, &daemon, &request), request);
    }
    let odd = "{ \"Image\":\"\\u0061\", \"HostConfig\" : {\"memory\":4096},\"X\":4.096e3,\r\n\t\"Labels\":{\"\":\"\u{e9}\"} }";
    assert_eq!(forwarded(&gate, &daemon, &create(odd)), create(odd));
}

#[test]
fn chunks_that_pass_go_on_as_one_body_with_its_length() {
    let (gate, daemon) = start(OPEN);
    for size in [1, 10, 1000] {
        let request = create_in_chunks(PLAIN, size);
        assert_eq!(forwarded(&gate, &daemon, &request), create(PLAIN));
    }
}

#[test]
fn what_the_body_is_said_to_be_does_not_matter_unless_it_is_a_form() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let with = |lines: &str, body: &str| {
        format!("{}{body}", create_head(&format!("{lines}Content-Length: {}\r\n", body.len())))
    };
    for lines in ["", "Content-Type: text/plain\r\n", "Content-Type:\r\n", "Content-Type: x\r\n"] {
        client.send(with(lines, PRIVILEGED));
        expect_privileged_refused(&client.answer());
    }
    for form in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] {
        client.send(with(&format!("Content-Type: {form}\r\n"), PLAIN));
        assert_eq!(client.answer().status, 415, "{form}");
    }
    expect_usable(&client, &daemon);
    let client = gate.client();
    let forms = "Content-Type: application/json\r\nContent-Type: multipart/form-data\r\n";
    client.send(with(forms, PLAIN));
    assert_eq!(client.answer().status, 415);
    client.send(with(&format!("{JSON}{JSON}"), PRIVILEGED));
    expect_privileged_refused(&client.answer());
    expect_usable(&client, &daemon);
}

#[test]
fn a_client_that_goes_inside_its_body_leaves_nothing_behind() {
    let (gate, daemon) = start(OPEN);
    let files = gate.files_without(gate.client());
    let request = create(PLAIN);
    for reset in [false, true] {
        let client = gate.client();
        client.send(&request[..request.len() - 1]);
        client.expect_silence();
        if reset {
            client.reset();
        } else {
            drop(client);
        }
        gate.expect_files(files);
    }
    daemon.expect_untouched();
}
