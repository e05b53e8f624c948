//! Writing files into a container: what it has mounted is asked first, and the request then names
//! the container that was judged, whoever bears its name by then.

use super::admission::create;
use super::gate::{FIXED, Gate, OPEN, start};
use super::lookups::{BOUND, VOLUME, answer, question};
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};
use std::thread;

pub const ID: &str = "4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2";

/// A `PUT /containers/{name}/archive`, its head to be ended with these lines.
pub fn put(target: &str, lines: &str) -> String {
    format!("PUT {target} HTTP/1.1\r\nhost:docker\r\nX-Odd:  a \r\n{lines}\r\n")
}

/// The question about a container.
pub fn asked(name: &str) -> String {
    format!("GET /containers/{name}/json HTTP/1.1\r\nHost: dockgate\r\n\r\n")
}

/// The state of a container in which nothing runs.
const OFF: &str = "{\"Running\":false,\"Restarting\":false}";

/// What the daemon says of a container with these mounts.
pub fn container(mounts: &str) -> String {
    answer(
        200,
        &format!("{{\"Id\":\"{ID}\",\"Name\":\"/web\",\"State\":{OFF},\"Mounts\":[{mounts}]}}"),
    )
}

pub fn bind(source: &str, is_writable: bool) -> String {
    format!(
        "{{\"Type\":\"bind\",\"Source\":\"{source}\",\"Destination\":\"/d\",\"RW\":{is_writable}}}"
    )
}

/// A gate that has been told what engine it serves, so that it asks no more: an old one.
pub fn start_knowing(variables: &[(&str, &str)]) -> (Gate, StandIn) {
    let (gate, daemon) = start(variables);
    let client = gate.client();
    client.send(create(r#"{"HostConfig":{"Runtime":"other"}}"#));
    let connection = daemon.accept_with("GET /info HTTP/1.1\r\nHost: dockgate\r\n\r\n");
    connection.send(answer(200, r#"{"ServerVersion":"20.10.24","DefaultRuntime":"runc"}"#));
    assert_eq!(client.answer().status, 403);
    (gate, daemon)
}

/// The daemon's connection, on which the question is answered.
#[track_caller]
pub fn accept_asking(daemon: &StandIn, name: &str, said: &str) -> Peer {
    let connection = daemon.accept_with(asked(name));
    connection.expect_silence();
    connection.send(said);
    connection
}

#[track_caller]
pub fn expect_usable(client: &Peer, connection: &Peer) {
    connection.send(OK);
    client.expect(OK);
    client.send(PING);
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn the_container_is_named_by_its_id_and_nothing_else_changes() {
    let (gate, daemon) = start_knowing(OPEN);
    for (target, name, sent) in [
        ("/containers/web/archive?path=/a", "web", "/containers/ID/archive?path=/a"),
        (
            "/v1.41/containers/web/archive?path=%2Fa&x=+;",
            "web",
            "/v1.41/containers/ID/archive?path=%2Fa&x=+;",
        ),
        ("/v1.41/containers/w%65b/archive", "web", "/v1.41/containers/ID/archive"),
        ("/%63ontainers/a%20b/%61rchive?", "a%20b", "/%63ontainers/ID/%61rchive?"),
        (
            "/containers/containers/archive?path=/containers/x",
            "containers",
            "/containers/ID/archive?path=/containers/x",
        ),
        ("/containers/4fa6/archive?path=web", "4fa6", "/containers/ID/archive?path=web"),
        ("/containers/web/redis/archive", "web/redis", "/containers/ID/archive"),
        (
            "/v1.41/containers/web%2Fre%20dis/archive?x",
            "web/re%20dis",
            "/v1.41/containers/ID/archive?x",
        ),
    ] {
        let client = gate.client();
        client.send(put(target, "Content-Length: 3\r\n") + "tar");
        let connection = accept_asking(&daemon, name, &container(""));
        let target = sent.replace("ID", ID);
        connection.expect(put(&target, "Content-Length: 3\r\n") + "tar");
        expect_usable(&client, &connection);
    }
    daemon.expect_untouched();
}

#[test]
fn the_archive_streams_in_either_framing() {
    let (gate, daemon) = start_knowing(&[OPEN, &[("MAX_JSON_BYTES", "1024")]].concat());
    let block = "x".repeat(0x1_0000);
    let length = format!("Content-Length: {}\r\n", block.len() * 64);
    for (lines, body) in [
        (length.as_str(), block.repeat(64)),
        (
            "Transfer-Encoding: chunked\r\n",
            format!("10000\r\n{block}\r\n").repeat(64) + "0\r\n\r\n",
        ),
    ] {
        let client = gate.client();
        thread::scope(|scope| {
            scope.spawn(|| client.send(put("/containers/web/archive?path=/", lines) + &body));
            let connection = accept_asking(&daemon, "web", &container(""));
            connection.expect(put(&format!("/containers/{ID}/archive?path=/"), lines) + &body);
            expect_usable(&client, &connection);
        });
    }
}

#[test]
fn a_client_that_waits_for_100_gets_the_daemons_and_only_for_what_is_not_refused() {
    // Nothing is looked at in the body.
    let (gate, daemon) = start_knowing(&[OPEN, &[("ENGINE_FIXED", "CVE-2026-41567")]].concat());
    let lines = "Expect: 100-continue\r\nContent-Length: 3\r\n";
    let client = gate.client();
    client.send(put("/containers/web/archive", lines));
    let connection = accept_asking(&daemon, "web", &container(""));
    connection.expect(put(&format!("/containers/{ID}/archive"), lines));
    client.expect_silence();
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    client.expect("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("tar");
    connection.expect("tar");
    expect_usable(&client, &connection);

    client.send(put("/containers/web/archive", lines));
    connection.expect(asked("web"));
    connection.send(container(&bind("/srv", true)));
    let refusal = client.answer();
    assert_eq!(refusal.status, 403);
    assert!(refusal.head.contains("\r\nConnection: close\r\n"), "{}", refusal.head);
    client.expect_end();
    connection.expect_end();
}

#[test]
fn a_container_with_a_writable_path_of_the_host_is_not_written_to() {
    let (gate, daemon) =
        start_knowing(&[OPEN, &[FIXED, ("ALLOW_BIND_MOUNTS", "/open,/read:ro")]].concat());
    let client = gate.client();
    let mut connection = None;
    for (mounts, word) in [
        (bind("/srv", true), "ALLOW_BIND_MOUNTS=/srv"),
        (bind("/read/x", true), "ALLOW_BIND_MOUNTS=/read/x"),
        (bind("/open/../etc", true), "ALLOW_BIND_MOUNTS=/etc"),
        (format!("{},{}", bind("/open", true), bind("/etc", true)), "ALLOW_BIND_MOUNTS=/etc"),
        ("{\"Type\":\"bind\",\"Source\":\"/srv\"}".to_owned(), "ALLOW_BIND_MOUNTS=/srv"),
        // A restart runs what is put there, with whatever is mounted.
        (bind("/var/run/docker.sock", false), "ALLOW_BIND_MOUNTS=/var/run/docker.sock:ro"),
    ] {
        for (lines, body) in [
            ("Content-Length: 30\r\n", "PUT /containers/x/archive HTT\n"),
            ("Transfer-Encoding: chunked\r\n", "3\r\ntar\r\n0\r\n\r\n"),
        ] {
            client.send(put("/containers/web/archive", lines));
            let connection = connection.get_or_insert_with(|| daemon.accept());
            connection.expect(asked("web"));
            connection.send(container(&mounts));
            let refusal = client.answer();
            assert_eq!(refusal.status, 403, "{mounts}");
            assert!(refusal.message().contains(word), "{}", refusal.message());
            // The body comes all the same, and is thrown away.
            client.send(body);
            connection.expect_silence();
        }
    }
    let connection = connection.expect("a connection");
    client.send(put("/containers/web/archive", "Content-Length: 3\r\n") + "tar");
    connection.expect(asked("web"));
    connection.send(container(&format!("{},{}", bind("/open/x", true), bind("/read/x", false))));
    connection.expect(put(&format!("/containers/{ID}/archive"), "Content-Length: 3\r\n") + "tar");
    expect_usable(&client, &connection);
}

#[test]
fn a_long_refused_archive_ends_the_connection() {
    let (gate, daemon) = start_knowing(OPEN);
    for (lines, begun) in
        [("Content-Length: 1073741824\r\n", ""), ("Transfer-Encoding: chunked\r\n", "40000000\r\n")]
    {
        let client = gate.client();
        client.send(put("/containers/web/archive", lines) + begun);
        let connection = accept_asking(&daemon, "web", &container(&bind("/srv", true)));
        assert_eq!(client.answer().status, 403);
        client.flood(1 << 20);
        connection.expect_end();
    }
    daemon.expect_untouched();
}

#[test]
fn a_volume_of_the_container_is_asked_about_too() {
    let (gate, daemon) = start_knowing(&[OPEN, &[FIXED]].concat());
    let client = gate.client();
    let mounts = "{\"Type\":\"volume\",\"Name\":\"data\",\"Source\":\"/var/lib/docker/volumes/data/_data\",\"RW\":true},\
                  {\"Type\":\"volume\",\"Name\":\"read\",\"RW\":false},{\"Type\":\"tmpfs\"}";
    client.send(put("/containers/web/archive", "Content-Length: 3\r\n") + "tar");
    let connection = accept_asking(&daemon, "web", &container(mounts));
    for name in ["data", "read"] {
        connection.expect(question(name));
        connection.expect_silence();
        connection.send(answer(200, VOLUME));
    }
    connection.expect(put(&format!("/containers/{ID}/archive"), "Content-Length: 3\r\n") + "tar");
    expect_usable(&client, &connection);

    client.send(put("/containers/web/archive", "Content-Length: 3\r\n") + "tar");
    connection.expect(asked("web"));
    connection.send(container(mounts));
    connection.expect(question("data"));
    connection.send(answer(200, BOUND));
    let refusal = client.answer();
    assert_eq!(refusal.status, 403);
    assert!(refusal.message().contains("ALLOW_BIND_MOUNTS=/etc"), "{}", refusal.message());
    connection.expect_silence();
    client.send(PING);
    connection.expect(PING);
}

#[test]
fn a_container_that_is_not_there_is_not_written_to_by_its_name() {
    let (gate, daemon) = start_knowing(OPEN);
    let client = gate.client();
    let request = put("/v1.41/containers/w%65b/archive?path=/", "Content-Length: 3\r\n") + "tar";
    client.send(&request);
    let connection = accept_asking(&daemon, "web", &answer(404, "{\"message\":\"no\"}"));
    let refusal = client.answer();
    assert_eq!(refusal.status, 404);
    assert_eq!(refusal.message(), "No such container: web");
    connection.expect_silence();
    client.send(PING);
    connection.expect(PING);
}

#[test]
fn a_container_of_which_nothing_is_known_is_not_written_to() {
    let (gate, daemon) = start_knowing(OPEN);
    let client = gate.client();
    let mut connection = None;
    for said in [
        answer(500, "{}"),
        answer(200, "{}"),
        answer(200, "[]"),
        answer(200, "{\"Id\":\"a b\",\"Mounts\":[]}"),
        answer(200, "{\"Id\":\"a/../../x\",\"Mounts\":[]}"),
        answer(200, &format!("{{\"Id\":\"{ID}\",\"Mounts\":{{}}}}")),
    ] {
        client.send(put("/containers/web/archive", "Content-Length: 3\r\n") + "tar");
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(asked("web"));
        connection.send(&said);
        assert_eq!(client.answer().status, 502, "{said}");
    }
    client.send(PING);
    connection.expect("a connection").expect(PING);
}

#[test]
fn a_name_that_nobody_can_ask_about_is_refused() {
    let (gate, daemon) = start_knowing(OPEN);
    let client = gate.client();
    for target in ["PUT /containers/%ff/archive", "POST /images/h.io/%ff/push"] {
        client.send(format!("{target} HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\n\r\ntar"));
        let refusal = client.answer();
        assert_eq!(refusal.status, 400, "{target}");
        assert!(refusal.message().contains("UTF-8"), "{}", refusal.message());
    }
    daemon.expect_untouched();
}

#[test]
fn an_archive_that_breaks_off_breaks_off_at_the_daemon() {
    let (gate, daemon) = start_knowing(OPEN);
    let files = gate.files_without(gate.client());
    let client = gate.client();
    client.send(put("/containers/web/archive", "Content-Length: 10\r\n") + "tar");
    let connection = accept_asking(&daemon, "web", &container(""));
    connection.expect(put(&format!("/containers/{ID}/archive"), "Content-Length: 10\r\n") + "tar");
    drop(client);
    connection.expect_end();
    drop(connection);
    gate.expect_files(files);
}
