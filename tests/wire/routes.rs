//! Where the gate answers as the daemon would, and what it sends on as it came: unclean paths, old
//! versions, bodies that turn out to be empty, several content types.

use super::gate::{OPEN, STREAMS, start};
use super::hijack::UPGRADED;
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const EMPTY: &str = "0\r\n\r\n";

#[track_caller]
fn expect_usable(client: &Peer, daemon: &StandIn) {
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn an_unclean_path_is_redirected_as_by_the_daemon_and_never_sent_on() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    for (line, location) in [
        ("GET //v1.41/_ping", "/v1.41/_ping"),
        ("GET /containers//web/json?size=1", "/containers/web/json?size=1"),
        ("POST /containers//web/start?", "/containers/web/start?"),
        ("DELETE /containers/./web", "/containers/web"),
        ("GET /containers/x/../../volumes", "/volumes"),
        ("GET /%2e%2e/%2f_ping", "/_ping"),
        ("GET //docker.example/x", "/docker.example/x"),
        ("PUT /a//b%20c/%c3%a9?x=//", "/a/b%20c/%C3%A9?x=//"),
        ("OPTIONS //x", "/x"),
    ] {
        client.send(format!("{line} HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{{}}"));
        client.expect(format!(
            "HTTP/1.1 301 Moved Permanently\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ));
    }
    client.send("HEAD //_ping HTTP/1.1\r\nHost: docker\r\n\r\n");
    client.expect("HTTP/1.1 301 Moved Permanently\r\nLocation: /_ping\r\n\r\n");
    daemon.expect_untouched();
    expect_usable(&client, &daemon);
}

#[test]
fn an_old_version_is_refused_in_the_daemons_words() {
    let (gate, daemon) = start(&[OPEN, &[("MIN_API_VERSION", "1.30")]].concat());
    let client = gate.client();
    for (version, is_plain) in [("1.9", true), ("1.23", true), ("1.24", false), ("1.29", false)] {
        client.send(format!("GET /v{version}/_ping HTTP/1.1\r\nHost: docker\r\n\r\n"));
        let answer = client.answer();
        let said = if is_plain { answer.body.clone() } else { answer.message() };
        let expected = format!(
            "client version {version} is too old. Minimum supported API version is 1.30, please upgrade your client to a newer version"
        );
        assert!(said.contains(&expected) && said.contains("MIN_API_VERSION"), "{said}");
        let kind = if is_plain { "text/plain; charset=utf-8" } else { "application/json" };
        assert!(answer.head.contains(&format!("\r\nContent-Type: {kind}\r\n")), "{}", answer.head);
        assert_eq!(answer.status, 400);
    }
    daemon.expect_untouched();
    expect_usable(&client, &daemon);
}

#[test]
fn an_empty_body_in_chunks_goes_on_as_it_came() {
    let (gate, daemon) = start(OPEN);
    for line in ["/containers/create?name=x", "/containers/web/start", "/containers/web/update"] {
        let client = gate.client();
        let head = format!("POST {line} HTTP/1.1\r\nHost: docker\r\n{CHUNKED}X-A: b\r\n\r\n");
        client.send(&head);
        daemon.expect_untouched();
        client.send(EMPTY);
        daemon.accept_with(head + EMPTY).send(OK);
        client.expect(OK);
    }
}

#[test]
fn where_the_daemon_hijacks_an_empty_body_in_chunks_is_none() {
    let (gate, daemon) = start(STREAMS);
    let switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    for (line, upgrade, answer) in [
        ("/session", "h2c", switching),
        ("/grpc", "h2c", switching),
        ("/containers/web/attach?stream=1", "tcp", UPGRADED),
    ] {
        let head = |framing| {
            format!(
                "POST {line} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n{framing}\r\n"
            )
        };
        let client = gate.client();
        client.send(head(CHUNKED));
        daemon.expect_untouched();
        client.send(format!("{EMPTY}early"));
        let connection = daemon.accept_with(head("Content-Length: 0\r\n"));
        connection.expect_silence();
        connection.send(answer);
        client.expect(answer);
        connection.expect("early");
    }
}

#[test]
fn a_body_in_chunks_that_is_not_empty_is_refused_where_none_is_taken() {
    let (gate, daemon) = start(&[OPEN, &[("SESSION", "1"), ("GRPC", "1")]].concat());
    for line in ["/session", "/grpc", "/containers/web/start"] {
        let client = gate.client();
        client.send(format!(
            "POST {line} HTTP/1.1\r\nHost: docker\r\n{CHUNKED}\r\n2\r\n{{}}\r\n{EMPTY}"
        ));
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{line}");
        assert!(answer.message().contains("takes no body"), "{}", answer.message());
        daemon.expect_untouched();
        expect_usable(&client, &daemon);
    }
}

#[test]
fn several_content_types_pass_where_none_is_a_form() {
    let (gate, daemon) = start(OPEN);
    let upload = |types: &str| {
        format!("POST /images/load HTTP/1.1\r\nHost: docker\r\n{types}Content-Length: 3\r\n\r\ntar")
    };
    let client = gate.client();
    let types = "Content-Type: application/x-tar\r\nContent-Type: application/json\r\n";
    client.send(upload(types));
    let connection = daemon.accept_with(upload(types));
    connection.send(OK);
    client.expect(OK);
    for form in ["multipart/form-data", "application/x-www-form-urlencoded"] {
        for types in [["a/b", form], [form, "a/b"]] {
            let lines = types.map(|kind| format!("Content-Type: {kind}\r\n"));
            client.send(upload(&lines.concat()));
            assert_eq!(client.answer().status, 415, "{types:?}");
        }
    }
    connection.expect_silence();
}

#[test]
fn without_admission_the_daemon_says_what_it_thinks_of_a_body() {
    let (gate, daemon) = start(&[OPEN, &[("ADMISSION", "off")]].concat());
    let said = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}";
    for body in ["{", "{}x", "nothing", "{} {}", "\u{feff}{}"] {
        let request = |framing: &str, body: &str| {
            format!(
                "POST /exec/7728/start HTTP/1.1\r\nHost: docker\r\nUpgrade: tcp\r\n{framing}\r\n{body}"
            )
        };
        let with_length = request(&format!("Content-Length: {}\r\n", body.len()), body);
        let in_chunks = format!("{:x}\r\n{body}\r\n{EMPTY}", body.len());
        for sent in [with_length.clone(), request(CHUNKED, &in_chunks)] {
            let client = gate.client();
            client.send(sent + PING);
            let connection = daemon.accept();
            // In one piece and to its end: none of it can be taken for the stream's.
            assert_eq!(String::from_utf8(connection.read_once()).expect("text"), with_length);
            connection.send(said);
            client.expect(said);
            connection.expect(PING);
            connection.send(OK);
            client.expect(OK);
        }
    }
}
