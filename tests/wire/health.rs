//! The health check and its likeness of wget: what they say of a gate that is well, of one that is
//! not, and of one that is not there.

use super::gate::{Dir, Gate, OPEN, PROGRAM, start, start_in};
use super::stand_in::{OK, StandIn};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

/// What the health check sends; the daemon sees the same bytes.
const PING_10: &str = "GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n";

/// An answer to HTTP/1.0 ends with its connection.
const VERSION: &str =
    "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"ApiVersion\":\"1.41\"}";

fn check(listen: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("healthcheck").env_clear().env("LISTEN", listen);
    command
}

/// Called as compose files call it, in the image's way: by a link.
fn wget(dir: &Dir, line: &str) -> Output {
    let called = dir.path("wget");
    let _ = symlink(PROGRAM, &called);
    let words = line.split_whitespace();
    Command::new(called).args(words).env_clear().output().expect("it runs")
}

/// Runs it while the daemon answers one request.
fn answered(daemon: &StandIn, request: &str, answer: &str, run: impl FnOnce() -> Output) -> Output {
    thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let peer = daemon.accept_with(request);
            peer.send(answer);
            peer.end();
            peer
        });
        let output = run();
        asked.join().expect("the daemon was asked");
        output
    })
}

#[track_caller]
fn expect(output: &Output, status: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.contains(words), "{said}");
    assert!(said.lines().count() <= 1, "more than one line: {said}");
    assert!(!words.is_empty() || said.is_empty(), "not silent: {said}");
}

#[test]
fn a_gate_that_answers_is_well_and_nothing_is_said() {
    let (gate, daemon) = start(&[]);
    let listen = format!("127.0.0.1:{}", gate.port());
    let output = answered(&daemon, PING_10, OK, || check(&listen).output().expect("it runs"));
    expect(&output, 0, "");
    assert!(output.stdout.is_empty());
}

#[test]
fn every_address_is_asked_on_loopback_and_a_unix_socket_by_its_path() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!(":0,unix://{}", path.display());
    let (gate, daemon) = start_in(dir, &[("LISTEN", &listen)]);
    for listen in [format!(":{}", gate.port()), format!("unix://{}", path.display())] {
        let output = answered(&daemon, PING_10, OK, || check(&listen).output().expect("it runs"));
        expect(&output, 0, "");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let (gate, _daemon) = start(&[("PING", "0")]);
    let listen = format!("127.0.0.1:{}", gate.port());
    expect(&check(&listen).output().expect("it runs"), 1, "needs PING=1");

    let gate = Gate::start(Dir::new(), &[]);
    let listen = format!("127.0.0.1:{}", gate.port());
    let output = check(&listen).output().expect("it runs");
    expect(&output, 1, "the gate answers 503: dockgate: cannot connect to Docker daemon at");
    drop(gate);
    expect(&check(&listen).output().expect("it runs"), 1, "no gate is listening on");
    expect(&check("unix:///nowhere.sock").output().expect("it runs"), 1, "no gate is listening on");
    expect(&check(":0").output().expect("it runs"), 1, "LISTEN leaves the port to the kernel");
    expect(&check("nonsense").output().expect("it runs"), 1, "LISTEN=\"nonsense\"");
}

#[test]
fn a_gate_that_hangs_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("bound");
    let listen = silent.local_addr().expect("its address").to_string();
    let begun = Instant::now();
    expect(&check(&listen).output().expect("it runs"), 1, "no answer in time");
    // Docker's own limit for a health check, where none is set.
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn called_wget_it_answers_as_health_checks_expect() {
    let (gate, daemon) = start(OPEN);
    let request = "GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n";
    for line in ["-q --spider", "--quiet --tries=1 --spider", "--no-verbose -O /dev/null -T 5"] {
        let line = format!("{line} http://localhost:{}/version", gate.port());
        let output = answered(&daemon, request, VERSION, || wget(&gate.dir, &line));
        expect(&output, 0, "");
        assert!(output.stdout.is_empty());
    }
    let line = format!("-qO- http://127.0.0.1:{}/version", gate.port());
    let output = answered(&daemon, request, VERSION, || wget(&gate.dir, &line));
    expect(&output, 0, "");
    assert_eq!(output.stdout, b"{\"ApiVersion\":\"1.41\"}");
}

#[test]
fn called_wget_it_fails_with_the_statuses_of_wget() {
    let (gate, _daemon) = start(&[("VERSION", "0")]);
    let line = format!("-q --spider http://localhost:{}/version", gate.port());
    expect(
        &wget(&gate.dir, &line),
        8,
        "wget: the answer is 403: dockgate: GET /version is refused",
    );
    let dir = Dir::new();
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let line = format!("-q --spider http://{}/version", closed.expect("an address"));
    expect(&wget(&dir, &line), 4, "no gate is listening on");
    for line in ["-q --spider http://example.com/", "-q --spider https://localhost/", "-r /"] {
        expect(&wget(&dir, line), 2, "not a general wget");
    }
    assert!(!fs::exists(Path::new("index.html")).expect("a look"));
}
