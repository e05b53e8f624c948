//! Who plays: one line for each kind, how often in a second, and how many at once.

use crate::Failure;
use crate::bed::{Hand, head};
use crate::stand_in::CREATED;
use crate::{refusals, streams, uploads, vanishing};
use std::thread;
use std::time::Duration;

pub struct Kind {
    pub name: &'static str,
    pub per_second: f64,
    /// So many play it, so that one that takes its time keeps up.
    pub hands: u32,
    pub play: fn(&mut Hand) -> Result<(), Failure>,
}

#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    Kind { name: "ping, connection kept", per_second: 600.0, hands: 2, play: ping },
    Kind { name: "ping, new connection", per_second: 120.0, hands: 1, play: fresh_ping },
    Kind { name: "list of containers, 64 KiB to 1 MiB", per_second: 32.0, hands: 1, play: list },
    Kind { name: "three requests in one piece", per_second: 20.0, hands: 1, play: pipelined },
    Kind { name: "refused or malformed, every kind in turn", per_second: 160.0, hands: 1, play: refusals::refused },
    Kind { name: "create that may pass", per_second: 32.0, hands: 1, play: create },
    Kind { name: "create that may not", per_second: 32.0, hands: 1, play: refusals::refused_create },
    Kind { name: "upload of up to 64 KiB, with length", per_second: 32.0, hands: 1, play: |hand| uploads::sized(hand, 1, 64 << 10) },
    Kind { name: "upload of up to 64 KiB, in chunks", per_second: 32.0, hands: 1, play: |hand| uploads::chunked(hand, 1, 64 << 10) },
    Kind { name: "upload of 10 to 50 MiB, with length", per_second: 0.4, hands: 1, play: |hand| uploads::sized(hand, 10 << 20, 50 << 20) },
    Kind { name: "upload of 10 to 50 MiB, in chunks", per_second: 0.4, hands: 1, play: |hand| uploads::chunked(hand, 10 << 20, 50 << 20) },
    Kind { name: "attach, echo, half-close", per_second: 20.0, hands: 1, play: streams::attach },
    Kind { name: "exec, echo, half-close", per_second: 20.0, hands: 1, play: streams::exec },
    Kind { name: "attach and vanish", per_second: 4.0, hands: 1, play: streams::attach_and_vanish },
    Kind { name: "events to their end", per_second: 8.0, hands: 6, play: streams::events },
    Kind { name: "events, abandoned", per_second: 8.0, hands: 4, play: streams::abandoned_events },
    Kind { name: "logs, followed for 1 to 5 s", per_second: 12.0, hands: 48, play: streams::logs },
    Kind { name: "vanish within a head", per_second: 12.0, hands: 1, play: vanishing::in_head },
    Kind { name: "vanish within an upload", per_second: 12.0, hands: 1, play: vanishing::in_upload },
    Kind { name: "vanish within an examined body", per_second: 12.0, hands: 1, play: vanishing::in_examined },
    Kind { name: "vanish within an answer", per_second: 12.0, hands: 1, play: vanishing::in_answer },
    Kind { name: "a head byte by byte", per_second: 1.0, hands: 2, play: dripped },
    Kind { name: "an answer read slowly", per_second: 1.0, hands: 2, play: slow_reader },
];

pub const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

fn same(got: &str, expected: &str) -> Result<(), Failure> {
    if got == expected { Ok(()) } else { Err(format!("{got:?} instead of {expected:?}").into()) }
}

pub fn ping(hand: &mut Hand) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        same(&client.ask(PING, 200)?, "OK")?;
        hand.tally.allowed("SystemPing");
        Ok(())
    })
}

pub fn fresh_ping(hand: &mut Hand) -> Result<(), Failure> {
    same(&hand.client()?.ask(PING, 200)?, "OK")?;
    hand.tally.allowed("SystemPing");
    Ok(())
}

fn list(hand: &mut Hand) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        let (place, bytes) = (hand.place(), hand.random.between(64 << 10, 1 << 20));
        client.send(head("GET /v1.41/containers/json?all=1", place, bytes) + "\r\n")?;
        client.expect_pattern(place, bytes)?;
        hand.tally.allowed("ContainerList");
        Ok(())
    })
}

/// The middle one is refused; the answers come in order.
fn pipelined(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let (place, bytes) = (hand.place(), hand.random.between(1, 100_000));
    let list = head("GET /containers/json", place, bytes) + "\r\n";
    client.send(format!("{PING}{}{list}", refusals::FORBIDDEN))?;
    same(&client.answer(200)?, "OK")?;
    client.answer(403)?;
    client.expect_pattern(place, bytes)?;
    hand.tally.allowed("SystemPing");
    hand.tally.expect("SecretList", "refused", "withheld");
    hand.tally.allowed("ContainerList");
    Ok(())
}

/// With a named volume, of which the daemon is asked first.
fn create(hand: &mut Hand) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        let env = "A=".to_owned() + &"b".repeat(usize::try_from(hand.random.between(0, 4000))?);
        let body = format!(
            r#"{{"Image":"bb","Env":["{env}"],"HostConfig":{{"Binds":["data:/data"],"Memory":1000000000}}}}"#
        );
        let head = head("POST /v1.41/containers/create?name=x", 0, 0);
        let length = body.len();
        let request = format!(
            "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        same(&client.ask(&request, 201)?, CREATED)?;
        hand.tally.allowed("ContainerCreate");
        Ok(())
    })
}

fn dripped(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    for byte in PING.as_bytes() {
        client.send([*byte])?;
        thread::sleep(Duration::from_millis(50));
    }
    same(&client.answer(200)?, "OK")?;
    hand.tally.allowed("SystemPing");
    Ok(())
}

fn slow_reader(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let (place, bytes) = (hand.place(), hand.random.between(8 << 20, 16 << 20));
    client.send(head("GET /containers/json", place, bytes) + "\r\n")?;
    client.expect_pattern_slowly(place, bytes, Duration::from_millis(10))?;
    hand.tally.allowed("ContainerList");
    Ok(())
}
