//! The file limit: beyond it clients wait their turn, and nothing spins or dies.

use super::gate::{Dir, Gate, OPEN, start};
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};
use std::thread;
use std::time::Duration;

/// A file limit that leaves 16 places: 32 files are reserved, an eighth of all for pipes, and two for who
/// is refused; a connection takes two.
const FILES: u32 = 76;
const PLACES: usize = 16;

fn limited(files: u32) -> (Gate, StandIn) {
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    // All of them are one client's.
    (Gate::start_with_file_limit(dir, &[("MAX_CLIENT_SHARE", "100")], files), daemon)
}

#[track_caller]
fn ping(client: &Peer) {
    client.send(PING);
    client.expect(OK);
}

#[test]
fn clients_beyond_the_limit_wait_and_are_served_when_others_leave() {
    let (gate, daemon) = limited(FILES);
    daemon.answer_pings();
    let mut served: Vec<Peer> = Vec::new();
    for _ in 0..PLACES {
        let client = gate.client();
        ping(&client);
        served.push(client);
    }
    let waiting: Vec<Peer> = (0..PLACES).map(|_| gate.client()).collect();
    for client in &waiting {
        client.send(PING);
    }
    let ticks = gate.processor_ticks();
    thread::sleep(Duration::from_millis(400));
    for client in &waiting {
        client.expect_silence();
    }
    let ticks = gate.processor_ticks() - ticks;
    assert!(ticks <= 10, "{ticks} ticks of 10 ms were spent on waiting");
    // Those who have a place are not disturbed.
    served.iter().for_each(ping);
    drop(served);
    for client in &waiting {
        client.expect(OK);
    }
}

#[test]
fn a_crowd_comes_and_goes_and_the_gate_is_as_before() {
    let (gate, daemon) = start(&[]);
    daemon.answer_pings();
    let files = gate.files_without(gate.client());
    for _ in 0..3 {
        let crowd: Vec<Peer> = (0..40).map(|_| gate.client()).collect();
        crowd.iter().for_each(ping);
    }
    gate.expect_files(files);
}

#[test]
fn every_listener_is_served_however_few_places_there_are() {
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    daemon.answer_pings();
    let paths = ["a", "b", "c"].map(|name| dir.path(name));
    let listen = paths.each_ref().map(|path| format!("unix://{}", path.display())).join(",");
    // One place for three listeners.
    let _gate = Gate::start_with_file_limit(dir, &[("LISTEN", &listen)], 34);
    for path in paths.iter().cycle().take(6) {
        ping(&Gate::unix_client(path));
    }
}

#[test]
fn an_idle_gate_uses_no_processor() {
    let (gate, daemon) = start(OPEN);
    daemon.answer_pings();
    let clients: Vec<Peer> = (0..20).map(|_| gate.client()).collect();
    clients.iter().for_each(ping);
    // Half-closed connections and refused bodies are what usually spins.
    clients[0].send("GET /containers/json HTTP/1.1\r\nHost: docker\r\n\r\n");
    clients[1].send("GET /_p");
    clients[2].send("POST /volumes/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 9\r\n\r\n");
    let ticks = gate.processor_ticks();
    thread::sleep(Duration::from_millis(400));
    let ticks = gate.processor_ticks() - ticks;
    assert!(ticks <= 10, "{ticks} ticks of 10 ms were spent on waiting");
}
