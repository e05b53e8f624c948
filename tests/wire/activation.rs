//! Socket activation: listeners that a service manager has opened are served in place of `LISTEN`.

use super::gate::{Dir, Gate};
use super::stand_in::{OK, PING, StandIn};
use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

/// A stand-in daemon, and a gate with these as its descriptors 3 and 4.
fn activated(dir: Dir, variables: &[(&str, &str)], handed: [OwnedFd; 2]) -> (Gate, StandIn) {
    let daemon = StandIn::at(&dir.daemon());
    let mut gate = Gate::start_activated(dir, variables, handed, "$$");
    gate.wait_until_it_serves();
    daemon.expect_probe();
    (gate, daemon)
}

#[test]
fn listeners_that_are_handed_over_are_served_in_place_of_listen() {
    for workers in ["1", "3"] {
        let dir = Dir::new();
        let path = dir.path("handed.sock");
        let unix = UnixListener::bind(&path).expect("bound");
        let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = tcp.local_addr().expect("its address").port();
        let nowhere = format!("unix://{}", dir.path("listen.sock").display());
        let variables = [("LISTEN", nowhere.as_str()), ("WORKERS", workers)];
        let (gate, daemon) = activated(dir, &variables, [tcp.into(), unix.into()]);
        assert_eq!(gate.port(), port, "{}", gate.log());
        assert!(!gate.dir.path("listen.sock").exists(), "LISTEN is not bound");
        for client in [gate.client(), Gate::unix_client(&path), gate.client()] {
            client.send(PING);
            let peer = daemon.accept_with(PING);
            peer.send(OK);
            client.expect(OK);
        }
        let log = gate.log();
        assert!(log.contains(&format!("Listening on {}", path.display())), "{log}");
    }
}

#[test]
fn what_is_for_another_process_is_left_alone() {
    let dir = Dir::new();
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
    let other = tcp.local_addr().expect("its address").port();
    let null = File::open("/dev/null").expect("open");
    let mut gate = Gate::start_activated(dir, &[], [tcp.into(), null.into()], "1");
    gate.wait_until_it_serves();
    assert_ne!(gate.port(), other);
}

#[test]
fn what_is_no_listener_stops_the_start_and_is_named() {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let file = File::open("/dev/null").expect("open");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = tcp.local_addr().expect("its address");
    let client = std::net::TcpStream::connect(address).expect("connected");
    for (handed, words) in [
        (OwnedFd::from(udp), "not a listening stream socket"),
        (OwnedFd::from(client), "not a listening stream socket"),
        (OwnedFd::from(file), "non-socket"),
    ] {
        let good = tcp.try_clone().expect("a copy");
        let mut gate = Gate::start_activated(Dir::new(), &[], [good.into(), handed], "$$");
        assert!(!gate.wait().success());
        let log = gate.log();
        assert!(log.contains("descriptor 4 of LISTEN_FDS") && log.contains(words), "{log}");
    }
}
