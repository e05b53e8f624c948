//! Bodies that can't be judged, and bodies without an end: each is refused by its name, and the
//! daemon sees nothing of it.

use super::admission::{create, create_head, expect_usable};
use super::gate::{OPEN, start};
use super::stand_in::{OK, PING};

/// The gate's answer to a body must have this status and, in the log, this reason.
#[track_caller]
fn expect_refused(cases: &[(&[u8], u16, &str)]) {
    let (gate, daemon) = start(OPEN);
    for (body, status, reason) in cases {
        let client = gate.stranger();
        let head = create_head(&format!("Content-Length: {}\r\n", body.len()));
        let logged = gate.log().len();
        client.send([head.as_bytes(), body].concat());
        let answer = client.answer();
        let start = body[..body.len().min(40)].escape_ascii();
        assert_eq!(answer.status, *status, "{start}: {}", answer.message());
        let log = gate.log()[logged..].to_owned();
        assert!(log.contains(&format!("reason=\"{reason}\"")), "{start}: {log}");
        expect_usable(&client, &daemon);
    }
}

#[test]
fn what_is_not_one_json_value_is_refused() {
    expect_refused(&[
        (b" ", 400, "not-one-json-value"),
        (b"{", 400, "not-one-json-value"),
        (b"{\"Image\":\"a\"", 400, "not-one-json-value"),
        (b"{}{}", 400, "not-one-json-value"),
        (b"{} x", 400, "not-one-json-value"),
        (b"{}\0", 400, "not-one-json-value"),
        (b"\xef\xbb\xbf{}", 400, "not-one-json-value"),
        (b"{\"Image\":\"\xff\"}", 400, "not-one-json-value"),
        (b"{\"Image\":\"\xed\xa0\x80\"}", 400, "not-one-json-value"),
        (b"{\"Image\":\"\\ud800\"}", 400, "not-one-json-value"),
        (b"{'Image':'a'}", 400, "not-one-json-value"),
        (b"{\"Image\":\"a\",}", 400, "not-one-json-value"),
        (b"{\"a\":NaN}", 400, "not-one-json-value"),
        (b"{\"a\":01}", 400, "not-one-json-value"),
        (b"\x1f\x8b\x08", 400, "not-one-json-value"),
    ]);
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    expect_refused(&[
        (b"[]", 400, "bad-value"),
        (b"\"{}\"", 400, "bad-value"),
        (b"1", 400, "bad-value"),
        (b"true", 400, "bad-value"),
        (b"{\"HostConfig\":[]}", 400, "bad-value"),
        (b"{\"HostConfig\":{\"Privileged\":\"true\"}}", 400, "bad-value"),
        (b"{\"HostConfig\":{\"Privileged\":1}}", 400, "bad-value"),
        (b"{\"HostConfig\":{\"Binds\":{\"0\":\"/:/r\"}}}", 400, "bad-value"),
        (b"{\"HostConfig\":{\"Privileged\":false,\"privileged\":true}}", 400, "repeated-key"),
        (b"{\"HostConfig\":{},\"hostconfig\":{\"Privileged\":true}}", 400, "repeated-key"),
        (b"{\"HostConfig\":{\"Privileged\":false,\"Pr\\u0069vileged\":true}}", 400, "repeated-key"),
        (b"{\"ho\xc5\xbftConfig\":{\"Privileged\":true}}", 403, "privileged"),
        (b"{\"HOSTCONFIG\":{\"PRIVILEGED\":true}}", 403, "privileged"),
    ]);
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    let open = b"[".repeat(10_000);
    let chain = b"{\"a\":".repeat(200_000);
    let many = [b"{\"Env\":[".to_vec(), b"0,".repeat(655_360), b"0]}".to_vec()].concat();
    expect_refused(&[
        (&deep, 400, "not-one-json-value"),
        (&open, 400, "not-one-json-value"),
        (&chain, 400, "not-one-json-value"),
        (&many, 400, "too-many-json-values"),
    ]);
}

#[test]
fn nothing_and_null_say_nothing_and_the_daemon_answers_itself() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let none = create_head("");
    client.send(&none);
    let connection = daemon.accept_with(&none);
    connection.send(OK);
    client.expect(OK);
    for request in [create(""), create("null"), create(" {} \r\n")] {
        client.send(&request);
        connection.expect(&request);
        connection.send(OK);
        client.expect(OK);
    }
    let chunks = create_head("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n";
    client.send(&chunks);
    connection.expect(&chunks);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn the_longest_body_can_be_chosen() {
    let (gate, daemon) = start(&[OPEN, &[("MAX_JSON_BYTES", "1024")]].concat());
    let most = format!("{:>1024}", "{}");
    let chunked = create_head("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
    let client = gate.client();
    for request in
        [create(&format!(" {most}")), format!("{chunked}1\r\n \r\n400\r\n{most}\r\n0\r\n\r\n")]
    {
        client.send(request);
        let answer = client.answer();
        assert_eq!(answer.status, 413);
        assert!(answer.message().contains("MAX_JSON_BYTES"), "{}", answer.message());
    }
    let connection = expect_usable(&client, &daemon);
    for request in [create(&most), format!("{chunked}400\r\n{most}\r\n0\r\n\r\n")] {
        client.send(request);
        connection.expect(create(&most));
        connection.send(OK);
        client.expect(OK);
    }
}

#[test]
fn a_body_far_over_the_limit_ends_the_connection_and_is_not_collected() {
    let (gate, daemon) = start(&[OPEN, &[("MAX_JSON_BYTES", "1024")]].concat());
    for (framing, begun) in [
        ("Content-Length: 1073741824\r\n", ""),
        ("Transfer-Encoding: chunked\r\n", "40000000\r\n"),
        ("Expect: 100-continue\r\nContent-Length: 1025\r\n", ""),
    ] {
        let client = gate.client();
        client.send(format!("{}{begun}", create_head(framing)));
        if !begun.is_empty() {
            client.flood(1 << 20);
        }
        // Not a `100 Continue`.
        assert_eq!(client.answer().status, 413, "{framing}");
        drop(client);
    }
    daemon.expect_untouched();
}

#[test]
fn a_long_body_that_was_collected_leaves_the_connection_usable() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let long = format!("{{\"HostConfig\":{{\"Privileged\":true}}}}{}", " ".repeat(1 << 20));
    client.send(create(&long));
    assert_eq!(client.answer().status, 403);
    expect_usable(&client, &daemon);
}

#[test]
fn a_body_that_does_not_end_is_not_waited_for() {
    let (gate, daemon) = start(&[OPEN, &[("HEAD_TIMEOUT", "1")]].concat());
    let whole = create("{}");
    let chunked = create_head("Transfer-Encoding: chunked\r\n") + "2\r\n{}\r\n";
    let clients = [&whole[..whole.len() - 1], &chunked].map(|begun| {
        let client = gate.client();
        client.send(begun);
        client
    });
    for client in clients {
        let answer = client.answer();
        assert_eq!(answer.status, 408);
        assert!(answer.message().contains("HEAD_TIMEOUT"), "{}", answer.message());
        client.expect_end();
    }
    daemon.expect_untouched();
}

#[test]
fn chunks_with_another_reading_are_no_body() {
    let (gate, daemon) = start(OPEN);
    for chunks in ["2;x=y\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n0\r\nA: b\r\n\r\n", "2\r\n{}x\r\n"] {
        let client = gate.client();
        client.send(create_head("Transfer-Encoding: chunked\r\n") + chunks + PING);
        assert_eq!(client.answer().status, 400, "{chunks}");
        client.expect_end();
    }
    daemon.expect_untouched();
}
