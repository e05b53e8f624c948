//! Clients that go in the middle, properly or with a reset. Each stays until what it sent is known
//! to have been read as far as its head, so that it must have been counted.

use crate::Failure;
use crate::bed::{Hand, head};
use crate::client::Client;

fn go(client: Client, hand: &mut Hand) -> Result<(), Failure> {
    if hand.random.coin() { client.reset() } else { Ok(()) }
}

/// That is no request yet, and counted as nothing.
pub fn in_head(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let head = head("GET /containers/json", 0, 0);
    let cut = usize::try_from(hand.random.between(1, head.len() as u64))?;
    client.send(&head[..cut])?;
    go(client, hand)
}

/// The daemon has said that it wants the body.
pub fn in_upload(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let (bytes, sized) = (hand.random.between(1, 2 << 20), hand.random.coin());
    let framing = if sized { "Content-Length: 4000000" } else { "Transfer-Encoding: chunked" };
    let head = head("POST /build", 0, 4_000_000);
    client.send(format!("{head}Expect: 100-continue\r\n{framing}\r\n\r\n"))?;
    client.expect_head(100)?;
    hand.tally.expect_somehow("ImageBuild");
    if !sized {
        client.send("3d0900\r\n")?;
    }
    client.send_pattern(0, bytes)?;
    go(client, hand)
}

/// The gate has said that it wants the body.
pub fn in_examined(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let head = head("POST /v1.41/volumes/create", 0, 0);
    let fields = "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999";
    client.send(format!("{head}{fields}\r\n\r\n"))?;
    client.expect_head(100)?;
    hand.tally.expect_somehow("VolumeCreate");
    client.send(r#"{"Name":"x","Labels":{"#)?;
    go(client, hand)
}

pub fn in_answer(hand: &mut Hand) -> Result<(), Failure> {
    let mut client = hand.client()?;
    let place = hand.place();
    client.send(head("GET /containers/box/export", place, 8 << 20) + "\r\n")?;
    client.expect_head(200)?;
    hand.tally.expect_somehow("ContainerExport");
    let bytes = hand.random.between(1, 1 << 20);
    client.read(usize::try_from(bytes)?)?;
    go(client, hand)
}
