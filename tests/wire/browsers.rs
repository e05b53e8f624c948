//! What a web page has a browser send: refused by its origin, and by the name that leads to the gate.

use super::gate::{Dir, OPEN, start, start_in};
use super::peer::Peer;
use super::stand_in::{OK, PING};
use std::os::unix::net::UnixStream;

fn ping(host: &str, lines: &str) -> String {
    format!("GET /_ping HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")
}

#[test]
fn a_page_and_a_name_of_its_own_are_refused_and_the_connection_goes_on() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    for (request, item) in [
        (ping("evil.example:2375", ""), "add evil.example to ALLOW_HOSTS"),
        (ping("proxy.infra.svc", ""), "add proxy.infra.svc to ALLOW_HOSTS"),
        (ping("localhost", "Origin: http://a.b\r\n"), "add http://a.b to ALLOW_ORIGINS"),
        (ping("127.0.0.1:2375", "origin: null\r\n"), "add null to ALLOW_ORIGINS"),
    ] {
        client.send(&request);
        let answer = client.answer();
        assert_eq!(answer.status, 403, "{request}");
        assert!(answer.message().contains(item), "{}", answer.message());
    }
    let post = "POST /containers/x/start HTTP/1.1\r\nHost: 127.0.0.1:2375\r\nOrigin: https://a.b\r\n\
                Content-Length: 2\r\n\r\n{}";
    client.send(post);
    assert_eq!(client.answer().status, 403);
    daemon.expect_untouched();
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn what_is_listed_passes_as_it_came() {
    let variables = [
        ("ALLOW_HOSTS", "proxy.infra.svc, *.example.org"),
        ("ALLOW_ORIGINS", "https://panel.example.org"),
    ];
    let (gate, daemon) = start(&variables);
    let client = gate.client();
    let listed = [
        ping("Proxy.infra.svc:2375", ""),
        ping("a.b.example.org", "Origin: https://panel.example.org\r\n"),
        ping("api.moby.localhost", ""),
        ping("[::1]:2375", ""),
    ];
    client.send(&listed[0]);
    let connection = daemon.accept_with(&listed[0]);
    connection.send(OK);
    client.expect(OK);
    for request in &listed[1..] {
        client.send(request);
        connection.expect(request);
        connection.send(OK);
        client.expect(OK);
    }
    client.send(ping("example.org", ""));
    assert_eq!(client.answer().status, 403);
    connection.expect_silence();
}

#[test]
fn through_a_unix_socket_the_name_does_not_matter_and_the_page_does() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!("127.0.0.1:0,unix://{}", path.display());
    let (gate, daemon) = start_in(dir, &[("LISTEN", &listen)]);
    let client = Peer::new(UnixStream::connect(&path).expect("connected"));
    client.send(ping("localhost", "Origin: http://a.b\r\n"));
    assert_eq!(client.answer().status, 403);
    daemon.expect_untouched();
    let request = ping("docker.example.org", "");
    client.send(&request);
    daemon.accept_with(&request).send(OK);
    client.expect(OK);
    let other = gate.client();
    other.send(&request);
    assert_eq!(other.answer().status, 403);
    daemon.expect_untouched();
}

#[test]
fn where_logs_are_withheld_no_attach_shows_them() {
    let (gate, daemon) = start(&[OPEN, &[("ALLOW_LOGS", "0"), ("ALLOW_EXISTING", "1")]].concat());
    let client = gate.client();
    let attach =
        |query: &str| format!("POST /containers/x/attach?{query} HTTP/1.1\r\nHost: x\r\n\r\n");
    for query in ["logs=1", "stream=1&logs=true", "stream=1&l%6fgs=yes", "logs=0&logs=1"] {
        client.send(attach(query));
        let answer = client.answer();
        assert_eq!(answer.status, 403, "{query}");
        let words = "ContainerAttach with logs=1 needs ALLOW_LOGS=1";
        assert!(answer.message().contains(words), "{}", answer.message());
    }
    client.send("GET /containers/x/attach/ws?logs=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.answer().status, 403);
    daemon.expect_untouched();
    client.send(attach("stream=1&logs=0"));
    daemon.accept_with(attach("stream=1&logs=0"));
}
