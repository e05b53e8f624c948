//! The I/O storey: sockets, connections, exchanges. It asks the pure storeys what to do and does
//! that; no judgement is made here.

pub mod answer;
pub mod buffer;
pub mod client;
pub mod closing;
pub mod connection;
pub mod daemon;
pub mod engine;
pub mod entrance;
pub mod excess;
pub mod exchange;
pub mod first_bytes;
mod heap;
pub mod inquiry;
pub mod listener;
pub mod outcome;
pub mod peer;
pub mod pipe;
pub mod places;
pub mod roster;
pub mod share;
pub mod socket;
pub mod splice;
pub mod status;
pub mod tunnel;
mod turn;
pub mod upward;
pub mod watch;
pub mod worker;

use crate::observe::observer::Observer;
use crate::policy::Policy;
use std::time::Duration;

/// What a client may take of the gate. Sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest request head.
    pub head_bytes_max: usize,
    /// The longest body that is collected to be examined.
    pub json_bytes_max: usize,
    /// How long a head, or a collected body, may take from its first byte to its last.
    pub head_time_max: Duration,
    /// How long a connection may stay without a request.
    pub idle_time_max: Duration,
    /// What one client may have of connections, bytes and buffers.
    pub client_share: share::ClientShare,
}

/// What all connections share.
#[derive(Debug)]
pub struct Gate {
    /// What is allowed.
    pub policy: Policy,
    /// What a client may take.
    pub limits: Limits,
    /// The way to the daemon.
    pub daemon: daemon::Daemon,
    /// What the engine says of itself.
    pub info: engine::Info,
    /// Containers that have been judged.
    pub judged: engine::Judged,
    /// Who is told of requests.
    pub observer: Observer,
    /// How bytes are moved.
    pub relay: splice::Relay,
    /// Bytes of bodies that are collected at the moment, for all clients together.
    pub collected: share::Total,
    /// Bytes of heads that are begun and not ended at the moment, for all clients together.
    pub begun: share::Total,
}
