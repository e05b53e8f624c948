//! Queries of examined operations: read as the daemon reads them, or refused; all others pass as
//! they are.

use super::admission::expect_usable;
use super::gate::{OPEN, start};
use super::stand_in::OK;

fn build(query: &str) -> String {
    format!("POST /v1.41/build{query} HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\n\r\ntar")
}

#[test]
fn a_query_that_could_be_read_in_two_ways_is_refused() {
    let (gate, daemon) = start(OPEN);
    for (query, status, reason) in [
        ("?networkmode=host", 403, "build-networks"),
        ("?%6eetworkmode=host", 403, "build-networks"),
        ("?networkmode=%68ost", 403, "build-networks"),
        ("?networkmode=+", 403, "build-networks"),
        ("?t=a&&networkmode=container:x&", 403, "build-networks"),
        ("?networkmode=default?networkmode=host", 403, "build-networks"),
        ("?networkmode=default;networkmode=host", 400, "bad-query"),
        ("?t=a;b", 400, "bad-query"),
        ("?t=%", 400, "bad-query"),
        ("?networkmode=host%zz", 400, "bad-query"),
        ("?t=%ff", 400, "bad-query"),
        ("?networkmode=default&networkmode=host", 400, "bad-query"),
        ("?networkmode=default&%6eetworkmode=host", 400, "bad-query"),
        ("?networkmode=none&networkmode=none", 400, "bad-query"),
        ("?remote=http://h/x.git", 403, "build-remote"),
    ] {
        let client = gate.stranger();
        let logged = gate.log().len();
        client.send(build(query));
        let answer = client.answer();
        assert_eq!(answer.status, status, "{query}: {}", answer.message());
        let log = gate.log()[logged..].to_owned();
        assert!(log.contains(&format!("reason=\"{reason}\"")), "{query}: {log}");
        expect_usable(&client, &daemon);
    }
}

#[test]
fn a_query_that_passes_is_not_touched() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let mut connection = None;
    for request in [
        build(""),
        build("?"),
        build("?networkmode"),
        build("?networkmode=&t=a%2Bb+c&&t=d"),
        build("?%74=x&NetworkMode=host&networkmode=d%65fault"),
        // Nobody examines these.
        "GET /containers/json?a=1;b=%&a=%ff&+&filters=%7B HTTP/1.1\r\nHost: docker\r\n\r\n"
            .to_owned(),
        "POST /containers/p/kill?signal=9;x&signal=% HTTP/1.1\r\nHost: docker\r\n\r\n".to_owned(),
    ] {
        client.send(&request);
        let connection = connection.get_or_insert_with(|| daemon.accept());
        connection.expect(&request);
        connection.send(OK);
        client.expect(OK);
    }
}
