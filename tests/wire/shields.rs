//! Requests that trigger published weaknesses of engines: the daemon gets nothing of them, however
//! they are framed, and ordinary ones reach it as they came.

use super::admission::{create, expect_usable as expect_another};
use super::archive::{
    ID, accept_asking, asked, bind, container, expect_usable, put, start_knowing,
};
use super::gate::{OPEN, start};
use super::lookups::answer;
use super::peer::Peer;
use super::stand_in::{OK, PING};
use std::thread;

const TARGET: &str = "/containers/web/archive?path=/";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// Beginnings of gzip, bzip2, xz and zstd, and of a zstd stream whose first frame is skipped.
const COMPRESSED: [&[u8]; 5] = [
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03rest",
    b"BZh91AY&SYrest",
    b"\xfd7zXZ\0\0\x04\xe6\xd6rest",
    b"\x28\xb5\x2f\xfd\x04\x58rest",
    b"\x5e\x2a\x4d\x18\x01\0\0\0xrest",
];

/// The head as the daemon gets it.
fn sent(lines: &str) -> String {
    put(&format!("/containers/{ID}/archive?path=/"), lines)
}

fn chunks(body: &[u8], bytes: usize) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(bytes) {
        chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    chunks
}

/// The ways to frame a body: lines of the head, and what follows it.
fn framings(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut framings = vec![(length, body.to_vec())];
    for bytes in [1, 2, 5, body.len().max(1)] {
        framings.push((CHUNKED.to_owned(), chunks(body, bytes)));
    }
    framings
}

#[track_caller]
fn expect_refused(client: &Peer, connection: &Peer) {
    expect_told(client);
    connection.expect_silence();
}

#[track_caller]
fn expect_told(client: &Peer) {
    let refusal = client.answer();
    assert_eq!(refusal.status, 403, "{}", refusal.message());
    for words in ["body is a compressed archive", "CVE-2026-41567", "29.5.1", "ENGINE_FIXED="] {
        assert!(refusal.message().contains(words), "{}", refusal.message());
    }
}

#[test]
fn a_compressed_archive_is_refused_whatever_its_framing() {
    let (gate, daemon) = start_knowing(OPEN);
    for body in COMPRESSED {
        for (lines, framed) in framings(body) {
            // In one piece with its head, after it, and byte by byte.
            for piece in [usize::MAX, framed.len(), 1] {
                let client = gate.client();
                let head = put(TARGET, &lines);
                if piece == usize::MAX {
                    client.send([head.as_bytes(), &framed].concat());
                } else {
                    client.send(head);
                }
                let connection = accept_asking(&daemon, "web", &container(""));
                if piece != usize::MAX {
                    for piece in framed.chunks(piece) {
                        client.send(piece);
                    }
                }
                expect_refused(&client, &connection);
                // What is left of it was thrown away, and the connection goes on.
                client.send(PING);
                connection.expect(PING);
                connection.send(OK);
                client.expect(OK);
            }
        }
    }
    daemon.expect_untouched();
}

#[test]
fn an_archive_that_is_not_compressed_arrives_as_it_came() {
    let (gate, daemon) = start_knowing(OPEN);
    let tar = [&b"file\0\0\0"[..], &[0; 1000]].concat();
    for body in [&tar[..], b"x", b"B", b"BZ", b"BZip it", b"Pack", b"\x1f\x8b", b"\xfd7zXZ"] {
        for (lines, framed) in framings(body) {
            let client = gate.client();
            client.send(put(TARGET, &lines));
            let connection = accept_asking(&daemon, "web", &container(""));
            client.send(&framed);
            let whole = [sent(&lines).as_bytes(), &framed].concat();
            // It let the gate wait, or not: then it is asked once.
            let again = asked("web");
            if connection.begins_with(&again) {
                connection.expect(again);
                connection.send(container(""));
            }
            connection.expect(whole);
            expect_usable(&client, &connection);
        }
    }
    for (lines, framed) in [("Content-Length: 0\r\n", ""), (CHUNKED, "0\r\n\r\n")] {
        let client = gate.client();
        client.send(put(TARGET, lines) + framed);
        let connection = accept_asking(&daemon, "web", &container(""));
        connection.expect(sent(lines) + framed);
        expect_usable(&client, &connection);
    }
}

#[test]
fn a_client_that_waits_for_100_gets_it_once_and_from_the_gate() {
    let (gate, daemon) = start_knowing(OPEN);
    for (body, is_refused) in [(b"tar file".as_slice(), false), (COMPRESSED[0], true)] {
        for (framing, framed) in framings(body) {
            let lines = format!("Expect: 100-continue\r\n{framing}");
            let client = gate.client();
            client.send(put(TARGET, &lines));
            let connection = accept_asking(&daemon, "web", &container(""));
            client.expect(CONTINUE);
            connection.expect_silence();
            client.send(&framed);
            if is_refused {
                expect_told(&client);
                // Whether the rest of the body comes can't be known.
                client.expect_end();
                connection.expect_end();
                continue;
            }
            connection.expect(asked("web"));
            connection.send(container(""));
            connection.expect([sent(&lines).as_bytes(), &framed].concat());
            connection.send(CONTINUE);
            expect_usable(&client, &connection);
        }
    }
}

#[test]
fn a_client_that_pauses_before_its_archive_is_asked_about_again() {
    let (gate, daemon) = start_knowing(OPEN);
    let client = gate.client();
    client.send(put(TARGET, "Content-Length: 3\r\n"));
    let connection = accept_asking(&daemon, "web", &container(""));
    connection.expect_silence();
    client.send("tar");
    connection.expect(asked("web"));
    connection.send(container(&bind("/srv", true)));
    let refusal = client.answer();
    assert_eq!(refusal.status, 403);
    assert!(refusal.message().contains("ALLOW_BIND_MOUNTS=/srv"), "{}", refusal.message());
    connection.expect_silence();

    // One that does not is asked about once.
    client.send(put(TARGET, "Content-Length: 3\r\n") + "tar");
    connection.expect(asked("web"));
    connection.send(container(""));
    connection.expect(sent("Content-Length: 3\r\n") + "tar");
    expect_usable(&client, &connection);
}

#[test]
fn a_large_archive_follows_its_first_bytes() {
    let (gate, daemon) = start_knowing(OPEN);
    let block = "x".repeat(0x1_0000);
    let length = format!("Content-Length: {}\r\n", 7 + block.len() * 64);
    for (lines, first, rest) in [
        (length.as_str(), "B", "Zip it".to_owned() + &block.repeat(64)),
        (
            CHUNKED,
            "1\r\nB\r\n",
            "6\r\nZip it\r\n".to_owned()
                + &format!("10000\r\n{block}\r\n").repeat(64)
                + "0\r\n\r\n",
        ),
    ] {
        let client = gate.client();
        client.send(put(TARGET, lines) + first);
        thread::scope(|scope| {
            let connection = accept_asking(&daemon, "web", &container(""));
            // Nothing goes on while more bytes could still make it compressed.
            connection.expect_silence();
            scope.spawn(|| client.send(&rest));
            connection.expect(asked("web"));
            connection.send(container(""));
            connection.expect(sent(lines) + first + &rest);
            expect_usable(&client, &connection);
        });
    }
}

#[test]
fn first_bytes_in_a_bad_framing_are_refused() {
    let (gate, daemon) = start_knowing(OPEN);
    for (framed, reason) in [
        ("2;x=y\r\nta\r\n0\r\n\r\n", "chunk-extension"),
        ("1\r\nBB\r\n", "chunk-line-end"),
        ("x\r\n", "chunk-size"),
        ("1\r\nB\r\n0\r\nA: b\r\n\r\n", "trailer"),
    ] {
        let client = gate.client();
        client.send(put(TARGET, CHUNKED) + framed);
        let connection = accept_asking(&daemon, "web", &container(""));
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{framed}");
        assert!(answer.message().contains(reason), "{}", answer.message());
        client.expect_end();
        connection.expect_end();
    }
}

#[test]
fn a_client_that_ends_before_its_first_bytes_leaves_nothing_behind() {
    let (gate, daemon) = start_knowing(OPEN);
    let files = gate.files_without(gate.client());
    for begun in ["", "B", "BZ"] {
        let client = gate.client();
        client.send(put(TARGET, "Content-Length: 10\r\n") + begun);
        let connection = accept_asking(&daemon, "web", &container(""));
        drop(client);
        connection.expect_end();
        drop(connection);
        gate.expect_files(files);
    }
}

#[test]
fn first_bytes_that_do_not_come_are_not_waited_for() {
    let (gate, daemon) =
        start_knowing(&[OPEN, &[("IDLE_TIMEOUT", "1"), ("HEAD_TIMEOUT", "1")]].concat());
    for begun in ["", "BZ"] {
        let client = gate.client();
        client.send(put(TARGET, "Content-Length: 10\r\n") + begun);
        let connection = accept_asking(&daemon, "web", &container(""));
        let answer = client.answer();
        assert_eq!(answer.status, 408);
        assert!(answer.message().contains("IDLE_TIMEOUT"), "{}", answer.message());
        client.expect_end();
        connection.expect_end();
    }
}

#[test]
fn a_shield_stands_in_every_mode_and_is_lifted_by_its_name() {
    let archive = |body: &[u8]| {
        let lines = format!("Content-Length: {}\r\n", body.len());
        ([put(TARGET, &lines).as_bytes(), body].concat(), [sent(&lines).as_bytes(), body].concat())
    };
    for mode in ["enforce", "audit", "off"] {
        let (gate, daemon) = start(&[OPEN, &[("ADMISSION", mode)]].concat());
        let client = gate.client();
        client.send(archive(COMPRESSED[1]).0);
        let connection = accept_asking(&daemon, "web", &container(""));
        connection.expect("GET /info HTTP/1.1\r\nHost: dockgate\r\n\r\n");
        connection.send(answer(200, "{}"));
        expect_refused(&client, &connection);
        let log = gate.log();
        assert!(log.contains("reason=\"engine-weakness\""), "{mode}: {log}");

        let (plain, sent) = archive(b"tar");
        client.send(plain);
        connection.expect(asked("web"));
        connection.send(container(""));
        connection.expect(sent);
        expect_usable(&client, &connection);
    }
    for lifted in ["cve-2026-41567", "GHSA-x86f-5xw2-fm2r,CVE-2024-21626", "*"] {
        let (gate, daemon) = start(&[OPEN, &[("ENGINE_FIXED", lifted)]].concat());
        for body in COMPRESSED {
            let client = gate.client();
            let (plain, sent) = archive(body);
            client.send(plain);
            let connection = accept_asking(&daemon, "web", &container(""));
            connection.expect(sent);
            expect_usable(&client, &connection);
        }
    }
}

#[test]
fn an_engine_that_has_the_fix_gets_what_others_do_not() {
    let mounts = "{\"Type\":\"volume\",\"Name\":\"\",\"Destination\":\"/d\"}";
    for (version, is_fixed) in
        [("29.5.1", true), ("28.5.2+dfsg4", false), ("29.5.1-rc.1", false), ("25.0.17", true)]
    {
        let (gate, daemon) = start(OPEN);
        let lines = format!("Content-Length: {}\r\n", COMPRESSED[0].len());
        let client = gate.client();
        client.send([put(TARGET, &lines).as_bytes(), COMPRESSED[0]].concat());
        let connection = accept_asking(&daemon, "web", &container(""));
        connection.expect("GET /info HTTP/1.1\r\nHost: dockgate\r\n\r\n");
        connection.send(answer(200, &format!("{{\"ServerVersion\":\"{version}\"}}")));
        if is_fixed {
            connection.expect([sent(&lines).as_bytes(), COMPRESSED[0]].concat());
            expect_usable(&client, &connection);
        } else {
            expect_refused(&client, &connection);
        }

        // It is known by now. What counts is whether the container runs.
        for method in ["GET", "HEAD", "PUT"] {
            for (runs, passes) in [(true, is_fixed), (false, true)] {
                client.send(put(TARGET, "").replacen("PUT", method, 1));
                connection.expect(asked("web"));
                let state = format!("{{\"Running\":{runs},\"Restarting\":false}}");
                let web = format!("{{\"Id\":\"{ID}\",\"State\":{state},\"Mounts\":[{mounts}]}}");
                connection.send(answer(200, &web));
                if passes {
                    connection.expect(sent("").replacen("PUT", method, 1));
                    connection.send("HTTP/1.1 204 No Content\r\n\r\n");
                    client.expect("HTTP/1.1 204 No Content\r\n\r\n");
                } else if method == "HEAD" {
                    let head = client.read_head();
                    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
                } else {
                    let refusal = client.answer();
                    for words in [
                        "container \"web\": runs: while the daemon",
                        "Stop the container",
                        "29.5.1",
                    ] {
                        assert!(refusal.message().contains(words), "{}", refusal.message());
                    }
                }
                if !passes {
                    connection.expect_silence();
                }
            }
        }
    }
}

#[test]
fn arguments_that_trigger_a_weakness_are_refused_where_others_would_only_be_logged() {
    let weak = create("{\"WorkingDir\":\"/proc/self/fd/7\",\"HostConfig\":{\"Privileged\":true}}");
    let (gate, daemon) = start(&[OPEN, &[("ADMISSION", "audit")]].concat());
    let client = gate.client();
    client.send(&weak);
    let refusal = client.answer();
    assert_eq!(refusal.status, 403);
    assert!(refusal.message().contains("ENGINE_FIXED=CVE-2024-21626"), "{}", refusal.message());
    // The rest of it would pass.
    assert!(!refusal.message().contains("Privileged"), "{}", refusal.message());
    expect_another(&client, &daemon);

    for (name, value) in [("ADMISSION", "off"), ("ENGINE_FIXED", "CVE-2024-21626")] {
        let (gate, daemon) = start(&[OPEN, &[(name, value), ("ALLOW_PRIVILEGED", "1")]].concat());
        let client = gate.client();
        client.send(&weak);
        let connection = daemon.accept_with(&weak);
        expect_usable(&client, &connection);
    }
}

#[test]
fn the_log_says_at_start_which_shields_stand() {
    const LINE: &str = "refused unless the engine is known to have the fix";
    let names = |variables: &[(&str, &str)]| {
        let (gate, _daemon) = start(variables);
        let log = gate.log();
        assert!(log.matches(LINE).count() <= 1, "{log}");
        let line = log.lines().find(|line| line.contains(LINE)).map(str::to_owned);
        line.map(|line| line.split(": what triggers ").nth(1).expect("names").to_owned())
    };
    assert_eq!(names(&[]), None);
    assert_eq!(names(&[("CONTAINERS", "1")]).as_deref(), Some("CVE-2026-42306"));
    assert_eq!(
        names(OPEN).as_deref(),
        Some("CVE-2026-42306, CVE-2026-41567, CVE-2024-21626, CVE-2025-31133")
    );
    // Arguments are not looked at then.
    assert_eq!(
        names(&[OPEN, &[("ADMISSION", "off")]].concat()).as_deref(),
        Some("CVE-2026-42306, CVE-2026-41567")
    );
    assert_eq!(names(&[OPEN, &[("ENGINE_FIXED", "*")]].concat()), None);
}
