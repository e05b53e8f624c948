//! What a client plays on: the gate's addresses, what is counted, and what it keeps from one time to
//! the next.

use crate::Failure;
use crate::client::Client;
use crate::pattern::Random;
use crate::tally::Tally;
use socket2::SockAddr;
use std::sync::Arc;

/// Requests on one connection before it is given up for another.
const KEPT_MAX: u32 = 500;

pub struct Hand {
    pub random: Random,
    pub tally: Arc<Tally>,
    addresses: [SockAddr; 2],
    kept: Option<(Client, u32)>,
    turns: usize,
}

impl Hand {
    pub fn new(seed: u64, tally: &Arc<Tally>, addresses: [SockAddr; 2]) -> Self {
        Self {
            random: Random::new(seed),
            tally: Arc::clone(tally),
            addresses,
            kept: None,
            turns: 0,
        }
    }

    /// A new connection, over TCP or unix.
    pub fn client(&mut self) -> Result<Client, Failure> {
        let [tcp, unix] = &self.addresses;
        Client::connect(if self.random.coin() { tcp } else { unix })
    }

    /// Plays on a connection that is kept if all went well.
    pub fn kept(
        &mut self,
        play: impl FnOnce(&mut Client, &mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut client, times) = match self.kept.take() {
            Some(kept) => kept,
            None => (self.client()?, 0),
        };
        play(&mut client, self)?;
        self.kept = Some((client, times + 1)).filter(|(_, times)| *times < KEPT_MAX);
        Ok(())
    }

    /// How often it has been asked before.
    pub fn turn(&mut self) -> usize {
        self.turns += 1;
        self.turns - 1
    }

    /// A place in the pattern.
    pub fn place(&mut self) -> u64 {
        self.random.between(0, 1 << 20)
    }
}

/// A request's head, without its framing.
pub fn head(method_and_path: &str, place: u64, bytes: u64) -> String {
    format!("{method_and_path} HTTP/1.1\r\nHost: docker\r\nSoak: {place} {bytes}\r\n")
}
