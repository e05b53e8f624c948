//! What a gate has before a fault and must have again after it: as many files, no more memory, and
//! its service to those whom the fault does not concern.

use super::gate::{Gate, wait_until};
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};

/// What a gate keeps from crowds and uploads: free buffers, and what its allocator has not given back.
const GROWTH_BYTES_MAX: usize = 4 << 20;

/// Pipes that a worker keeps.
const PIPES_MAX: usize = 4;

pub struct Ledger<'g> {
    gate: &'g Gate,
    files: usize,
    resident: usize,
    /// Somebody with a connection of its own to the daemon.
    bystander: Option<(Peer, Peer)>,
}

impl<'g> Ledger<'g> {
    /// Of a gate to which nobody is connected.
    #[track_caller]
    pub fn open(gate: &'g Gate) -> Self {
        let files = gate.files_without(gate.client());
        Self { gate, files, resident: gate.resident_bytes(), bystander: None }
    }

    /// The same, with a bystander from now on.
    #[track_caller]
    pub fn with_bystander(gate: &'g Gate, daemon: &StandIn) -> Self {
        let mut ledger = Self::open(gate);
        let client = gate.client();
        client.send(PING);
        let connection = daemon.accept_with(PING);
        connection.send(OK);
        client.expect(OK);
        ledger.bystander = Some((client, connection));
        ledger
    }

    /// Others are served as if nothing were wrong: the bystander by the daemon, a new client by the
    /// gate itself.
    #[track_caller]
    pub fn expect_service(&self) {
        if let Some((client, connection)) = &self.bystander {
            client.send(PING);
            connection.expect(PING);
            connection.send(OK);
            client.expect(OK);
        }
        let client = self.gate.client();
        client.send(FORBIDDEN);
        assert_eq!(client.answer().status, 403);
    }

    /// Everybody has gone: nothing is left of them.
    #[track_caller]
    pub fn close(self) {
        let (gate, resident) = (self.gate, self.resident);
        self.leave();
        let grown = || gate.resident_bytes().saturating_sub(resident);
        wait_until("memory to be given back", || grown() < GROWTH_BYTES_MAX);
    }

    /// Everybody has gone: no file is left of them. What a crowd had of memory its allocator may keep.
    #[track_caller]
    pub fn leave(self) {
        self.expect_service();
        drop(self.bystander);
        self.gate.expect_files(self.files);
        let pipes = self.gate.pipes();
        assert!(pipes <= PIPES_MAX, "{pipes} pipes are kept");
    }
}
