//! Where the audit trail goes: files, pipes and sockets that fill, stall, go and come again. The
//! gate goes on, says what is lost, and with `AUDIT_REQUIRED=1` lets nothing be changed unrecorded.

use super::audit::{KILL, audited, audited_in, records};
use super::gate::{Dir, Gate, OPEN, PROGRAM, start_in, wait_until};
use super::peer::{PATIENCE, Peer};
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use nix::sys::stat::Mode;
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::Command;

/// A gate that records to what is said.
fn recording_to(dir: Dir, to: &str, variables: &[(&str, &str)]) -> (Gate, StandIn) {
    start_in(dir, &[OPEN, &[("AUDIT_LOG", to)], variables].concat())
}

fn unix(path: &Path) -> String {
    format!("unix://{}", path.display())
}

/// Has that many requests refused, each of which is recorded.
#[track_caller]
fn refuse(client: &Peer, count: usize) {
    for _ in 0..count {
        client.send(FORBIDDEN);
        assert_eq!(client.answer().status, 403);
    }
}

fn number(record: &Value) -> usize {
    let id = record["id"].as_str().expect("an id");
    id.rsplit('-').next().expect("a number").parse().expect("a number")
}

fn read_line(reader: &mut impl std::io::BufRead) -> Value {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn a_file_is_its_owners_and_one_that_is_there_is_appended_to() {
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
    let (gate, _daemon, trail) = audited(&[]);
    refuse(&gate.client(), 1);
    records(&trail, 1);
    assert_eq!(mode(&trail), 0o600);
    let dir = Dir::new();
    let before = dir.path("audit.json");
    fs::write(&before, "{\"v\":0}\n").expect("a trail of before");
    fs::set_permissions(&before, fs::Permissions::from_mode(0o640)).expect("a mode");
    let (gate, _daemon, trail) = audited_in(dir, &[]);
    refuse(&gate.client(), 1);
    assert_eq!(records(&trail, 2)[0]["v"], 0);
    assert_eq!(mode(&trail), 0o640);
}

#[test]
fn what_can_not_be_opened_stops_the_start_and_says_what_helps() {
    let dir = Dir::new();
    let directory = dir.path("").display().to_string();
    let missing = dir.path("none/audit.json").display().to_string();
    let socket = unix(&dir.path("none.sock"));
    let file = dir.path("file");
    fs::write(&file, "").expect("a file");
    for (to, cure) in [
        (directory.as_str(), "name a file in that directory"),
        (&missing, "mount its directory, or make it"),
        (&socket, "mount its directory, or make it"),
        (&unix(&file), "nobody listens there"),
    ] {
        let output = Command::new(PROGRAM)
            .env_clear()
            .envs([("AUDIT_LOG", to), ("LISTEN", "127.0.0.1:0")])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("AUDIT_LOG={to} can't be opened: ")), "{said}");
        assert!(said.contains(cure), "{said}");
    }
}

#[test]
fn to_standard_error_records_go_beside_the_log() {
    let (gate, _daemon) = recording_to(Dir::new(), "stderr", &[]);
    refuse(&gate.client(), 1);
    wait_until("a record", || gate.log().contains("\n{\"v\":1,"));
    assert!(gate.log().contains("WARN refused GET /volumes"), "{}", gate.log());
}

#[test]
fn a_datagram_socket_gets_syslog_lines_and_is_found_again() {
    let dir = Dir::new();
    let path = dir.path("log.sock");
    let receive = |socket: &UnixDatagram| {
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let mut room = [0; 4096];
        let count = socket.recv(&mut room).expect("a datagram");
        let text = String::from_utf8(room[..count].to_vec()).expect("text");
        let json = text.strip_prefix("<85>dockgate: ").expect("syslog's head");
        number(&serde_json::from_str(json).expect("JSON"))
    };
    let socket = UnixDatagram::bind(&path).expect("bound");
    let (gate, _daemon) = recording_to(dir, &unix(&path), &[]);
    let client = gate.client();
    refuse(&client, 1);
    assert_eq!(receive(&socket), 1);
    drop(socket);
    fs::remove_file(&path).expect("removed");
    refuse(&client, 1);
    wait_until("the loss", || gate.log().contains("audit records are being lost"));
    let socket = UnixDatagram::bind(&path).expect("bound");
    refuse(&client, 1);
    assert_eq!(receive(&socket), 3);
    wait_until("the end of it", || gate.log().contains("written again: 1 were lost, 1 so far"));
}

#[test]
fn a_stream_socket_gets_lines_and_is_connected_to_again() {
    let dir = Dir::new();
    let path = dir.path("log.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    let (gate, _daemon) = recording_to(dir, &unix(&path), &[]);
    let client = gate.client();
    refuse(&client, 1);
    let (stream, _) = listener.accept().expect("the gate connects");
    let mut reader = BufReader::new(stream);
    assert_eq!(number(&read_line(&mut reader)), 1);
    drop(reader);
    refuse(&client, 1);
    let (stream, _) = listener.accept().expect("the gate connects");
    assert_eq!(number(&read_line(&mut BufReader::new(stream))), 2);
    assert!(!gate.log().contains("lost"), "{}", gate.log());
}

/// More records than the queue and a socket's or a pipe's own buffer hold.
const MANY: usize = 3_000;

/// A reader that stands still: requests go on, what is lost is counted and said, what is kept is in
/// order, and records come again when it reads on.
#[track_caller]
fn expect_patience_with(gate: &Gate, reader: &mut BufReader<File>) {
    let client = gate.client();
    // Long paths fill the queue sooner.
    let long = format!("GET /{} HTTP/1.1\r\nHost: docker\r\n\r\n", "~\"".repeat(90));
    let mut sent = 0;
    while !gate.log().contains("audit records are being lost") && sent < MANY {
        for _ in 0..100 {
            client.send(&long);
            assert_eq!(client.answer().status, 403);
        }
        sent += 100;
    }
    assert!(gate.log().contains("the queue is full"), "{sent}: {}", gate.log());
    let mut numbers = Vec::new();
    while !reader.buffer().is_empty() || !is_drained(reader) {
        numbers.push(number(&read_line(reader)));
    }
    refuse(&client, 1);
    numbers.push(number(&read_line(reader)));
    assert_eq!(numbers.last(), Some(&(sent + 1)));
    assert!(numbers.is_sorted(), "{numbers:?}");
    let lost = sent + 1 - numbers.len();
    assert!(lost > 0);
    let words = format!("written again: {lost} were lost, {lost} so far");
    wait_until(&words, || gate.log().contains(&words));
    assert_eq!(gate.log().matches("are being lost").count(), 1, "{}", gate.log());
}

/// Nothing comes for a moment.
fn is_drained(reader: &BufReader<File>) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd as _;
    let mut fds = [PollFd::new(reader.get_ref().as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::from(200_u16)).expect("polled") == 0
}

#[test]
fn a_pipe_whose_reader_stands_still_holds_nobody_up() {
    let dir = Dir::new();
    let path = dir.path("pipe");
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    let pipe = OpenOptions::new().read(true).write(true).open(&path).expect("opened");
    let (gate, _daemon) = recording_to(dir, &path.display().to_string(), &[]);
    expect_patience_with(&gate, &mut BufReader::new(pipe));
}

#[test]
fn a_stream_whose_reader_stands_still_holds_nobody_up() {
    let dir = Dir::new();
    let path = dir.path("log.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    let (gate, _daemon) = recording_to(dir, &unix(&path), &[]);
    let (stream, _) = listener.accept().expect("the gate connects");
    let file = File::from(std::os::fd::OwnedFd::from(stream));
    expect_patience_with(&gate, &mut BufReader::new(file));
}

#[test]
fn a_reader_that_stands_still_holds_the_end_up_no_longer_than_a_moment() {
    let dir = Dir::new();
    let path = dir.path("log.sock");
    let _listener = UnixListener::bind(&path).expect("bound");
    let (mut gate, _daemon) = recording_to(dir, &unix(&path), &[]);
    refuse(&gate.client(), 1_000);
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
    assert!(gate.log().contains("of them for want of time"), "{}", gate.log());
}

#[test]
fn on_a_full_disk_records_are_lost_and_everything_goes_on() {
    let (gate, daemon) = recording_to(Dir::new(), "/dev/full", &[]);
    let client = gate.client();
    refuse(&client, 2);
    wait_until("the loss", || gate.log().contains("No space left on device"));
    client.send(KILL);
    daemon.accept_with(KILL).send(OK);
    client.expect(OK);
    assert_eq!(gate.log().matches("are being lost").count(), 1, "{}", gate.log());
}

#[test]
fn where_a_record_is_required_nothing_is_changed_while_none_can_be_written() {
    let (gate, daemon) = recording_to(Dir::new(), "/dev/full", &[("AUDIT_REQUIRED", "1")]);
    let client = gate.client();
    refuse(&client, 1);
    wait_until("the loss", || gate.log().contains("are being lost"));
    let body = "{\"Image\":\"x\"}";
    let create = format!(
        "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let load = "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 3\r\n\r\ntar";
    for request in [KILL, &create, load] {
        client.send(request);
        let answer = client.answer();
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.message().contains("AUDIT_REQUIRED=1"), "{}", answer.body);
    }
    assert!(gate.log().contains("reason=\"audit-unavailable\""), "{}", gate.log());
    // The connection is in order, and reads pass.
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
}

#[test]
fn where_a_record_is_required_a_full_queue_refuses_and_an_empty_one_does_not() {
    let dir = Dir::new();
    let path = dir.path("pipe");
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    let pipe = OpenOptions::new().read(true).write(true).open(&path).expect("opened");
    let to = path.display().to_string();
    let (gate, daemon) = recording_to(dir, &to, &[("AUDIT_REQUIRED", "1")]);
    let client = gate.client();
    client.send(KILL);
    let connection = daemon.accept_with(KILL);
    connection.send(OK);
    client.expect(OK);
    while !gate.log().contains("the queue is full") {
        refuse(&client, 100);
    }
    client.send(KILL);
    assert_eq!(client.answer().status, 503);
    let mut reader = BufReader::new(pipe);
    while !is_drained(&reader) || !reader.buffer().is_empty() {
        reader.read_until(b'\n', &mut Vec::new()).expect("a line");
    }
    client.send(KILL);
    connection.expect(KILL);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn a_required_record_needs_a_place_to_go() {
    let output = Command::new(PROGRAM).env_clear().env("AUDIT_REQUIRED", "1").output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("invalid AUDIT_REQUIRED=\"1\"") && said.contains("AUDIT_LOG"));
}

#[test]
fn a_hangup_ends_nothing_and_a_file_may_be_copied_and_truncated() {
    let (mut gate, _daemon, trail) = audited(&[]);
    let client = gate.client();
    refuse(&client, 3);
    records(&trail, 3);
    gate.signal("HUP");
    gate.wait_for_log("SIGHUP: nothing to do");
    assert!(gate.log().contains("copytruncate"));
    fs::copy(&trail, trail.with_extension("1")).expect("copied");
    File::options().write(true).open(&trail).and_then(|file| file.set_len(0)).expect("truncated");
    refuse(&client, 1);
    // From the beginning, with no hole before it.
    assert_eq!(number(&records(&trail, 1)[0]), 4);
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
}
