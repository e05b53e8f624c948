//! A log that nobody can fill and nobody can stop: floods are folded, a reader that does not read
//! costs lines, and both are said.

use super::gate::{Dir, Gate, OPEN, start};
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use std::io::{self, BufRead as _, BufReader};
use std::time::{Duration, Instant};

/// Has a request refused so often.
fn refused(client: &Peer, count: usize) {
    for _ in 0..count {
        client.send(FORBIDDEN);
        assert_eq!(client.answer().status, 403);
    }
}

/// How many refusals have lines, and how many are said to have had none.
fn told_and_folded(log: &str) -> (usize, usize) {
    let told = log.lines().filter(|line| line.contains(" refused ")).count();
    let folded = log.lines().filter_map(|line| line.split_once("folded=")?.1.split(' ').next());
    (told, folded.map(|count| count.parse::<usize>().expect("a number")).sum())
}

#[test]
fn a_flood_has_five_lines_and_the_end_says_how_many_it_was() {
    let (mut gate, _daemon) = start(&[]);
    refused(&gate.client(), 700);
    // From another port it is the same client; from another address it is not.
    refused(&gate.client(), 600);
    refused(&gate.stranger(), 6);
    for _ in 0..7 {
        let client = gate.client();
        client.send("\r\n\r\n");
        assert_eq!(client.answer().status, 400);
    }
    assert_eq!(told_and_folded(&gate.log()), (15, 0));
    gate.terminate();
    gate.wait();
    let log = gate.log();
    assert_eq!(told_and_folded(&log), (15, 1295 + 1 + 2), "{log}");
    assert!(
        log.contains("WARN ... and 1,295 more like it within 10 s client=127.0.0.1 operation=")
    );
}

#[test]
fn a_windows_end_says_it_though_nobody_is_refused_any_more() {
    let (gate, _daemon) = start(&[("LOG_LEVEL", "info")]);
    refused(&gate.client(), 50);
    let begun = Instant::now();
    // A window is as long as everybody's patience here.
    while !gate.log().contains("... and 45 more like it") {
        assert!(begun.elapsed() < Duration::from_secs(15), "{}", gate.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(begun.elapsed() > Duration::from_secs(8));
}

#[test]
fn a_reader_that_does_not_read_stops_nobody_and_is_told_what_it_missed() {
    const REQUESTS: usize = 6000;
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let path = dir.path("gate.sock");
    let listen = format!("unix://{}", path.display());
    let variables = [OPEN, &[("LISTEN", &listen), ("LOG_LEVEL", "debug")]].concat();
    let (reader, log) = io::pipe().expect("a pipe");
    let mut gate = Gate::start_with_log(dir, &variables, log.into(), &path);
    daemon.expect_probe();
    let client = Gate::unix_client(&path);
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    for _ in 1..REQUESTS {
        client.send(PING);
        connection.expect(PING);
        connection.send(OK);
        client.expect(OK);
    }
    drop(client);
    let lines = std::thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map_while(Result::ok);
        lines.collect::<Vec<String>>()
    });
    gate.terminate();
    gate.wait();
    let lines = lines.join().expect("lines");
    let told = lines.iter().filter(|line| line.contains("GET /_ping")).count();
    let lost =
        lines.iter().find_map(|line| line.split_once(" WARN ")?.1.split_once(" lines of the"));
    let lost: usize = lost.expect("what was lost").0.parse().expect("a number");
    assert!(lost > 0 && told > 0, "{told} told, {lost} lost");
    // Others than pings' may be lost too.
    assert!((REQUESTS..REQUESTS + 20).contains(&(told + lost)), "{told} told, {lost} lost");
}

#[test]
fn a_reader_that_never_reads_delays_the_end_by_a_second() {
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let path = dir.path("gate.sock");
    let listen = format!("unix://{}", path.display());
    let variables = [OPEN, &[("LISTEN", &listen), ("LOG_LEVEL", "debug")]].concat();
    let (_reader, log) = io::pipe().expect("a pipe");
    let mut gate = Gate::start_with_log(dir, &variables, log.into(), &path);
    daemon.expect_probe();
    let client = Gate::unix_client(&path);
    client.send(PING);
    let connection = daemon.accept();
    for _ in 0..1500 {
        connection.expect(PING);
        connection.send(OK);
        client.expect(OK);
        client.send(PING);
    }
    drop(client);
    let begun = Instant::now();
    gate.terminate();
    assert!(gate.wait().success());
    let took = begun.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(5)).contains(&took), "{took:?}");
}
