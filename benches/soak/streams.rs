//! What lasts: hijacked connections that echo, events and logs.

use crate::Failure;
use crate::bed::{Hand, head};
use crate::client::Client;
use crate::pattern::Reader;

const ATTACH: &str = "POST /containers/box/attach?stream=1&stdin=1&stdout=1";
const EXEC: &str = "POST /exec/0123/start";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const JSON: &str = r#"{"Detach":false,"Tty":false}"#;

/// What is sent before it is waited for: less than any socket holds.
const PIECE: u64 = 16 << 10;

pub fn attach(hand: &mut Hand) -> Result<(), Failure> {
    let client = attached(hand)?;
    echo(client, hand)
}

pub fn exec(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let (head, length) = (head(EXEC, 0, 0), JSON.len());
    client.send(format!(
        "{head}{UPGRADE}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{JSON}"
    ))?;
    client.expect_head(101)?;
    hand.tally.allowed("ExecStart");
    hand.tally.tunnelled();
    echo(client, hand)
}

pub fn attach_and_vanish(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = attached(hand)?;
    client.send_pattern(0, PIECE)?;
    if hand.random.coin() { client.reset() } else { Ok(()) }
}

fn attached(hand: &mut Hand) -> Result<Client, Failure> {
    let mut client = hand.client()?;
    client.send(head(ATTACH, 0, 0) + UPGRADE + "\r\n")?;
    client.expect_head(101)?;
    hand.tally.allowed("ContainerAttach");
    hand.tally.tunnelled();
    Ok(client)
}

/// Says something, hears it, and so on; then the one end and the other.
fn echo(mut client: Client, hand: &mut Hand) -> Result<(), Failure> {
    let place = hand.place();
    let mut reader = Reader::at(place);
    for _ in 0..hand.random.between(1, 20) {
        let (place, bytes) = (place + reader.read(), hand.random.between(1, PIECE));
        client.send_pattern(place, bytes)?;
        client.expect_raw(&mut reader, bytes)?;
    }
    // What is on its way when the client has said all comes back all the same.
    client.send_pattern(place + reader.read(), PIECE)?;
    client.end()?;
    client.expect_raw(&mut reader, PIECE)?;
    client.expect_end()
}

pub fn events(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let (place, bytes) = (hand.place(), hand.random.between(200, 3000));
    client.send(head("GET /v1.41/events?until=1", place, bytes) + "\r\n")?;
    client.expect_pattern(place, bytes)?;
    hand.tally.allowed("SystemEvents");
    Ok(())
}

/// The stand-in would go on for minutes.
pub fn abandoned_events(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    client.send(head("GET /v1.41/events", 0, 1 << 20) + "\r\n")?;
    client.expect_head(200)?;
    let bytes = hand.random.between(1, 1500);
    client.read(usize::try_from(bytes)?)?;
    hand.tally.expect("SystemEvents", "abandoned", "-");
    if hand.random.coin() { client.reset() } else { Ok(()) }
}

pub fn logs(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let (place, bytes) = (hand.place(), hand.random.between(4000, 20_000));
    client.send(head("GET /v1.41/containers/box/logs?follow=1&stdout=1", place, bytes) + "\r\n")?;
    client.expect_pattern(place, bytes)?;
    hand.tally.allowed("ContainerLogs");
    Ok(())
}
