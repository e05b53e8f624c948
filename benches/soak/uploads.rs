//! Uploads; the stand-in says whether they came as they were sent.

use crate::Failure;
use crate::bed::{Hand, head};
use crate::pattern::piece;
use crate::stand_in::SAME;

/// With a length.
pub fn sized(hand: &mut Hand, least: u64, most: u64) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        let (place, bytes) = (hand.place(), hand.random.between(least, most));
        let head = head("POST /images/load", place, bytes);
        client.send(format!("{head}Content-Length: {bytes}\r\n\r\n"))?;
        client.send_pattern(place, bytes)?;
        arrived(&client.answer(200)?, hand)
    })
}

/// In chunks of many sizes.
pub fn chunked(hand: &mut Hand, least: u64, most: u64) -> Result<(), Failure> {
    hand.kept(|client, hand| {
        let (place, bytes) = (hand.place(), hand.random.between(least, most));
        let head = head("POST /images/load", place, bytes);
        client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"))?;
        let mut sent = 0;
        while sent < bytes {
            let size = hand.random.between(1, 64 << 10).min(bytes - sent);
            let mut chunk = format!("{size:x}\r\n").into_bytes();
            chunk.extend_from_slice(piece(place + sent, usize::try_from(size)?));
            chunk.extend_from_slice(b"\r\n");
            client.send(chunk)?;
            sent += size;
        }
        client.send("0\r\n\r\n")?;
        arrived(&client.answer(200)?, hand)
    })
}

fn arrived(said: &str, hand: &Hand) -> Result<(), Failure> {
    if said != SAME {
        return Err("BYTES DIFFER at the daemon".into());
    }
    hand.tally.allowed("ImageLoad");
    Ok(())
}
