//! Where the gate listens: ports, both families, unix sockets and their files.

use super::gate::{Dir, Gate, start};
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use std::fs::{self, File};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

fn unix(path: &Path) -> String {
    format!("unix://{}", path.display())
}

#[track_caller]
fn expect_served(client: &Peer) {
    client.send(PING);
    client.expect(OK);
}

/// The gate ends at once and says that it can't listen there, and why.
#[track_caller]
fn expect_no_start(variables: &[(&str, &str)], place: &str) {
    let mut gate = Gate::start_anyhow(Dir::new(), variables);
    assert_eq!(gate.wait().code(), Some(1));
    let log = gate.log();
    let line = log.lines().find(|line| line.contains(&format!("cannot listen on {place}: ")));
    let says = |line: &str| line.contains("in use") && line.contains("set LISTEN to another");
    assert!(line.is_some_and(says), "{log}");
}

fn there_is_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[test]
fn a_port_alone_is_every_address_of_both_families() {
    let (gate, daemon) = start(&[("LISTEN", ":0")]);
    daemon.answer_pings();
    expect_served(&gate.client());
    if there_is_ipv6() {
        let client = TcpStream::connect((Ipv6Addr::LOCALHOST, gate.port())).expect("connected");
        expect_served(&Peer::new(client));
    }
    assert!(gate.log().contains("listening on all addresses"), "{}", gate.log());
    let client = gate.client();
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    // Not as ::ffff:127.0.0.1.
    assert!(gate.log().contains(" client=127.0.0.1:"), "{}", gate.log());
}

#[test]
fn ipv6_can_be_left_alone() {
    let (gate, daemon) = start(&[("LISTEN", ":0"), ("DISABLE_IPV6", "1")]);
    daemon.answer_pings();
    expect_served(&gate.client());
    TcpStream::connect((Ipv6Addr::LOCALHOST, gate.port())).expect_err("nobody listens there");
}

#[test]
fn several_workers_serve_tcp_and_unix_clients() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    StandIn::at(&dir.daemon()).answer_pings();
    let listen = format!("127.0.0.1:0,{}", unix(&path));
    let gate = Gate::start(dir, &[("LISTEN", &listen), ("WORKERS", "2")]);
    let clients: Vec<Peer> =
        (0..16).flat_map(|_| [gate.client(), Gate::unix_client(&path)]).collect();
    clients.iter().for_each(expect_served);
}

#[test]
fn a_unix_socket_has_the_mode_that_is_asked_for() {
    for (variables, mode) in [
        (&[][..], 0o660),
        (&[("LISTEN_SOCKET_MODE", "0600")], 0o600),
        (&[("LISTEN_SOCKET_MODE", "777")], 0o777),
    ] {
        let dir = Dir::new();
        let path = dir.path("gate.sock");
        let listen = unix(&path);
        let variables = [&[("LISTEN", listen.as_str())], variables].concat();
        let _gate = Gate::start(dir, &variables);
        let bits = fs::metadata(&path).expect("a socket").permissions().mode() & 0o7777;
        assert_eq!(bits, mode, "{bits:o}");
    }
}

#[test]
fn a_leftover_socket_is_replaced() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    StandIn::at(&dir.daemon()).answer_pings();
    drop(UnixListener::bind(&path).expect("bound"));
    let _gate = Gate::start(dir, &[("LISTEN", &unix(&path))]);
    expect_served(&Gate::unix_client(&path));
}

#[test]
fn a_socket_in_use_and_a_file_of_another_kind_are_left_alone() {
    let dir = Dir::new();
    let (live, file) = (dir.path("live"), dir.path("file"));
    let listener = UnixListener::bind(&live).expect("bound");
    File::create(&file).expect("a file");
    for path in [&live, &file] {
        expect_no_start(&[("LISTEN", &unix(path))], &path.display().to_string());
    }
    assert!(file.is_file());
    listener.set_nonblocking(true).expect("non-blocking mode");
    while listener.accept().is_ok() {}
    Gate::unix_client(&live);
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let place = taken.local_addr().expect("an address").to_string();
    expect_no_start(&[("LISTEN", &place)], &place);
}

#[test]
fn a_port_that_another_gate_serves_is_in_use_with_several_workers_too() {
    // With other settings, clients would get now this policy and now that one.
    let (first, _daemon) = start(&[("WORKERS", "2")]);
    let place = format!("127.0.0.1:{}", first.port());
    expect_no_start(&[("LISTEN", &place), ("WORKERS", "2")], &place);
}
