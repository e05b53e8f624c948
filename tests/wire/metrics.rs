//! Metrics and health on a listener of their own: what is counted, what is said when something is
//! wrong, and that nobody there takes anything from the gate or reaches the daemon.

use super::gate::{Dir, Gate, OPEN, STREAMS, start, start_in, wait_until};
use super::hijack::{ATTACH, UPGRADED, tunnel};
use super::peer::{Answer, Peer};
use super::stand_in::{EVENTS, FORBIDDEN, OK, PING, STREAMING, StandIn};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Anywhere.
pub const ON: (&str, &str) = ("METRICS_LISTEN", "127.0.0.1:0");

/// Where the gate says that they are.
#[track_caller]
pub fn place(gate: &Gate) -> SocketAddr {
    let log = gate.log();
    let place = log.lines().find_map(|line| Some(line.split_once("Metrics on ")?.1));
    place.expect("metrics are on").parse().expect("an address")
}

fn connect(gate: &Gate) -> Peer {
    Peer::new(TcpStream::connect(place(gate)).expect("connected"))
}

#[track_caller]
fn ask(gate: &Gate, request: &str) -> Answer {
    let peer = connect(gate);
    peer.send(request);
    let answer = peer.answer();
    assert!(answer.head.contains("Connection: close\r\n"), "{}", answer.head);
    peer.expect_end();
    answer
}

#[track_caller]
fn get(gate: &Gate, path: &str) -> Answer {
    ask(gate, &format!("GET {path} HTTP/1.1\r\nHost: gate\r\n\r\n"))
}

/// What a scrape says.
#[track_caller]
pub fn scrape(gate: &Gate) -> String {
    let answer = get(gate, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("Content-Type: text/plain; version=0.0.4"), "{}", answer.head);
    answer.body
}

/// The value of a series, its name without `dockgate_`.
fn value(text: &str, series: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("dockgate_")?.strip_prefix(series)?.strip_prefix(' '))?;
    Some(value.parse().expect("a whole number"))
}

/// A request is counted when its client has had its answer: a moment later.
#[track_caller]
fn expect(gate: &Gate, series: &str, expected: u64) {
    wait_until(series, || value(&scrape(gate), series) == Some(expected));
}

fn requests(operation: &str, verdict: &str, reason: &str) -> String {
    format!("requests_total{{operation=\"{operation}\",verdict=\"{verdict}\",reason=\"{reason}\"}}")
}

#[test]
fn what_becomes_of_requests_is_counted() {
    let (gate, daemon) = start(&[OPEN, &[ON]].concat());
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    expect(&gate, &requests("SystemPing", "allowed", "-"), 1);
    assert_eq!(value(&scrape(&gate), &requests("SystemPing", "failed", "-")), Some(0));
    expect(&gate, "connections", 1);

    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    expect(&gate, &requests("VolumeList", "refused", "withheld"), 1);
    expect(&gate, "denials_total{variable=\"VOLUMES\"}", 1);

    let body = r#"{"HostConfig":{"Privileged":true,"Binds":["/:/host","/etc:/etc"]}}"#;
    client.send(format!(
        "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(client.answer().status, 403);
    expect(&gate, "denials_total{variable=\"ALLOW_PRIVILEGED\"}", 1);
    // Once, however often it is named.
    expect(&gate, "denials_total{variable=\"ALLOW_BIND_MOUNTS\"}", 1);

    client.send("GET / HTTP/1.1\n");
    assert_eq!(client.answer().status, 400);
    drop(client);
    expect(&gate, &requests("-", "malformed", "bare-line-feed"), 1);
    expect(&gate, "connections", 0);
    let text = scrape(&gate);
    assert!(text.contains("dockgate_build_info{version=\""), "{text}");
    assert!(text.contains("\nprocess_start_time_seconds "), "{text}");
    assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
}

#[test]
fn times_are_taken_of_what_the_daemon_answers_and_bytes_are_counted() {
    let (gate, daemon) = start(&[OPEN, &[ON, ("RELAY", "copy")]].concat());
    let kill = "POST /containers/p/kill HTTP/1.1\r\nHost: docker\r\n\r\n";
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    client.send(kill);
    connection.expect(kill);
    thread::sleep(Duration::from_millis(60));
    connection.send(OK);
    client.expect(OK);
    client.send(FORBIDDEN);
    client.answer();
    for metric in ["request_added_seconds", "daemon_seconds"] {
        expect(&gate, &format!("{metric}_count{{effect=\"read\"}}"), 1);
        expect(&gate, &format!("{metric}_count{{effect=\"write\"}}"), 1);
    }
    expect(&gate, "daemon_seconds_bucket{le=\"0.05\",effect=\"write\"}", 0);
    expect(&gate, "daemon_seconds_bucket{le=\"+Inf\",effect=\"write\"}", 1);
    let up = (PING.len() + kill.len()) as u64;
    expect(&gate, "bytes_total{direction=\"up\",way=\"copy\"}", up);
    expect(&gate, "bytes_total{direction=\"down\",way=\"copy\"}", 2 * OK.len() as u64);
}

#[test]
fn tunnels_are_counted_while_they_are_open_and_their_bytes_at_the_end() {
    let (gate, daemon) = start(&[STREAMS, &[ON, ("RELAY", "copy")]].concat());
    let (client, connection) = tunnel(gate.client(), &daemon);
    expect(&gate, "tunnels", 1);
    client.send("input");
    connection.expect("input");
    connection.send("output!");
    client.expect("output!");
    drop(connection);
    client.expect_end();
    drop(client);
    expect(&gate, "tunnels", 0);
    expect(&gate, "bytes_total{direction=\"up\",way=\"copy\"}", ATTACH.len() as u64 + 5);
    expect(&gate, "bytes_total{direction=\"down\",way=\"copy\"}", UPGRADED.len() as u64 + 7);
    expect(&gate, &requests("ContainerAttach", "allowed", "-"), 1);
}

#[test]
fn every_worker_counts() {
    let (gate, daemon) = start(&[ON, ("WORKERS", "3")]);
    daemon.answer_pings();
    let clients: Vec<Peer> = (0..24).map(|_| gate.client()).collect();
    for client in &clients {
        client.send(PING);
        client.expect(OK);
    }
    expect(&gate, &requests("SystemPing", "allowed", "-"), 24);
    expect(&gate, "connections", 24);
}

#[test]
fn a_gate_that_serves_is_well_and_one_that_ends_says_so() {
    let (mut gate, daemon) = start(&[ON, ("SHUTDOWN_GRACE", "3600")]);
    let client = gate.client();
    client.send(EVENTS);
    let connection = daemon.accept_with(EVENTS);
    connection.send(STREAMING);
    client.expect(STREAMING);
    assert_eq!(get(&gate, "/healthz").status, 200);
    gate.terminate();
    gate.wait_for_log("SIGTERM");
    wait_until("draining", || get(&gate, "/healthz").status == 503);
    assert_eq!(get(&gate, "/readyz").status, 503);
    scrape(&gate);
    connection.send("0\r\n\r\n");
    client.expect("0\r\n\r\n");
    assert_eq!(gate.wait().code(), Some(0));
}

#[test]
fn a_gate_is_ready_when_the_daemon_answers_a_ping() {
    const ASKED: &str = "GET /_ping HTTP/1.1\r\nHost: dockgate\r\n\r\n";
    let (gate, daemon) = start(&[ON, ("PING", "0")]);
    let ready = |answer: &str| {
        thread::scope(|scope| {
            let asked = scope.spawn(|| get(&gate, "/readyz"));
            let connection = daemon.accept_with(ASKED);
            if answer.is_empty() {
                // Longer than anybody waits.
                return asked.join().expect("an answer");
            }
            connection.send(answer);
            asked.join().expect("an answer")
        })
    };
    assert_eq!(ready(OK).status, 200);
    for (answer, words) in [
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "answers a ping with 500"),
        ("nonsense\r\n\r\n", "can't be read"),
        ("", "did not answer in time"),
    ] {
        let answer = ready(answer);
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    drop(daemon);
    let answer = get(&gate, "/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("cannot connect to Docker daemon at"), "{}", answer.body);
    assert_eq!(get(&gate, "/healthz").status, 200);
    // Not a client's.
    expect(&gate, "daemon_connect_failures_total", 0);
    let client = gate.client();
    client.send("GET /version HTTP/1.1\r\nHost: docker\r\n\r\n");
    assert_eq!(client.answer().status, 503);
    expect(&gate, "daemon_connect_failures_total", 1);
    expect(&gate, &requests("SystemVersion", "failed", "-"), 1);
}

#[test]
fn nothing_else_is_to_be_had_there() {
    let (gate, daemon) = start(&[OPEN, &[ON]].concat());
    for (request, status) in [
        ("GET / HTTP/1.1", 404),
        ("GET /_ping HTTP/1.1", 404),
        ("GET /metrics/ HTTP/1.1", 400),
        ("GET /containers/json HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1", 405),
        ("POST /containers/create HTTP/1.1", 405),
        ("DELETE /containers/p HTTP/1.1", 405),
        ("BREW /metrics HTTP/1.1", 405),
        ("GET /../metrics HTTP/1.1", 404),
        ("GET metrics HTTP/1.1", 400),
        ("GET /metrics HTTP/2.0", 505),
    ] {
        let answer = ask(&gate, &format!("{request}\r\nHost: gate\r\n\r\n"));
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.head.contains("Allow: GET, HEAD\r\n"), status == 405, "{request}");
    }
    let long = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(8 * 1024));
    assert_eq!(ask(&gate, &long).status, 431);
    assert_eq!(get(&gate, "/metrics?name[]=x").status, 200);
    let head = connect(&gate);
    head.send("HEAD /healthz HTTP/1.1\r\nHost: gate\r\n\r\n");
    assert!(head.read_head().starts_with("HTTP/1.1 200 OK\r\n"));
    head.expect_end();
    daemon.expect_untouched();
}

#[test]
fn who_is_slow_there_holds_up_nobody_here() {
    let (gate, daemon) = start(&[ON]);
    daemon.answer_pings();
    let client = gate.client();
    let slow: Vec<Peer> = (0..60).map(|_| connect(&gate)).collect();
    for peer in slow.iter().step_by(2) {
        peer.send("GET /metrics HTTP/1.1\r\n");
    }
    let before = gate.processor_ticks();
    for _ in 0..100 {
        client.send(PING);
        client.expect(OK);
    }
    assert_eq!(slow[0].answer().status, 408);
    // Who waits is waited for without turning round.
    assert!(gate.processor_ticks() - before < 100);
    drop(slow);
    expect(&gate, &requests("SystemPing", "allowed", "-"), 100);
}

#[test]
fn clients_can_not_make_labels() {
    let (gate, daemon) = start(&[OPEN, &[ON]].concat());
    let client = gate.client();
    let allowed = |index: u32| {
        format!("GET /containers/made-up-{index}/json HTTP/1.1\r\nHost: made-up-{index}\r\n\r\n")
    };
    client.send(allowed(0));
    let connection = daemon.accept_with(allowed(0));
    connection.send(OK);
    client.expect(OK);
    let refused = |index: u32| {
        let path = ["", "/volumes", "/secrets", "/containers%2fx"][index as usize % 4];
        format!("GET {path}/made-up-{index} HTTP/1.1\r\nHost: docker\r\n\r\n")
    };
    let refuse = |index| {
        client.send(refused(index));
        client.answer();
    };
    (0..4).for_each(refuse);
    expect(&gate, &requests("ContainerInspect", "allowed", "-"), 1);
    let before = scrape(&gate);
    for index in 4..1_000 {
        client.send(allowed(index));
        connection.expect(allowed(index));
        connection.send(OK);
        client.expect(OK);
        refuse(index);
    }
    expect(&gate, &requests("ContainerInspect", "allowed", "-"), 997);
    let after = scrape(&gate);
    assert_eq!(after.lines().count(), before.lines().count(), "{before}\n{after}");
    assert!(!after.contains("made-up"), "{after}");
}

#[test]
fn a_place_that_can_not_be_had_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let place = taken.local_addr().expect("an address").to_string();
    let mut gate = Gate::start_anyhow(Dir::new(), &[("METRICS_LISTEN", &place)]);
    assert_eq!(gate.wait().code(), Some(1));
    let words = format!("cannot listen on {place} (METRICS_LISTEN): ");
    assert!(gate.log().contains(&words), "{}", gate.log());
    let mut gate = Gate::start_anyhow(Dir::new(), &[("METRICS_LISTEN", "9180")]);
    assert!(!gate.wait().success());
    assert!(gate.log().contains("invalid METRICS_LISTEN=\"9180\""), "{}", gate.log());
}

#[test]
fn they_may_be_on_a_unix_socket_and_are_off_unless_asked_for() {
    let dir = Dir::new();
    let path = dir.path("metrics.sock");
    let listen = format!("unix://{}", path.display());
    let (gate, _daemon) = start_in(dir, &[("METRICS_LISTEN", &listen)]);
    let client = Gate::unix_client(&path);
    client.send("GET /healthz HTTP/1.1\r\nHost: gate\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    drop(gate);
    for unset in ["", "off"] {
        let dir = Dir::new();
        let _daemon = StandIn::at(&dir.daemon());
        let gate = Gate::start(dir, &[("METRICS_LISTEN", unset)]);
        assert!(!gate.log().contains("Metrics on"), "{}", gate.log());
    }
}
