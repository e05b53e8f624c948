//! The stand-in daemon: a unix socket whose connections are in the test's hands, and the few
//! messages that most tests speak.

use super::peer::{PATIENCE, Peer, patiently};
use socket2::Socket;
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::{self, JoinHandle};

/// A request that is allowed by default, and its answer.
pub const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

/// A request that no test's configuration allows.
pub const FORBIDDEN: &str = "GET /volumes HTTP/1.1\r\nHost: docker\r\n\r\n";

/// A stream, and how its answer begins.
pub const EVENTS: &str = "GET /events HTTP/1.1\r\nHost: docker\r\n\r\n";
pub const STREAMING: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What the gate asks for itself, until it is answered once.
pub const WHO: &str = "GET /version HTTP/1.1\r\nHost: dockgate\r\n\r\n";
const NAME: &str = "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}";

/// A daemon's socket.
pub struct StandIn(Socket);

impl StandIn {
    pub fn at(path: &Path) -> Self {
        let listener = Socket::from(UnixListener::bind(path).expect("bound"));
        // It holds for accept too, see socket(7).
        listener.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self(listener)
    }

    /// The gate's next connection for a client. Where it asks who this is, which it does by itself
    /// and at its own time, it is told.
    #[track_caller]
    pub fn accept(&self) -> Peer {
        loop {
            let peer = self.accept_any();
            if !peer.begins_with(WHO) {
                return peer;
            }
            introduce(&peer);
        }
    }

    /// The gate's next connection.
    #[track_caller]
    pub fn accept_any(&self) -> Peer {
        let (socket, _) = patiently(|| self.0.accept()).expect("the gate connects");
        Peer::new(socket)
    }

    /// The gate's next connection, which brings these bytes.
    #[track_caller]
    pub fn accept_with(&self, expected: impl AsRef<[u8]>) -> Peer {
        let peer = self.accept();
        peer.expect(expected);
        peer
    }

    /// The gate asks at its start who is there.
    #[track_caller]
    pub fn expect_probe(&self) {
        introduce(&self.accept_any());
    }

    /// The gate's next connection, if it has made one that was not accepted.
    #[track_caller]
    pub fn accept_if_any(&self) -> Option<Peer> {
        self.0.set_nonblocking(true).expect("non-blocking mode");
        let accepted = self.0.accept();
        self.0.set_nonblocking(false).expect("blocking mode");
        match accepted {
            Ok((socket, _)) => Some(Peer::new(socket)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }

    /// The gate has made no connection that was not accepted.
    #[track_caller]
    pub fn expect_untouched(&self) {
        assert!(self.accept_if_any().is_none(), "the gate has connected");
    }

    /// From now on answers every ping by itself, for tests that are about crowds.
    pub fn answer_pings(self) -> JoinHandle<()> {
        thread::spawn(move || {
            while let Ok((socket, _)) = patiently(|| self.0.accept()) {
                thread::spawn(move || {
                    let peer = Peer::new(socket);
                    if peer.begins_with(WHO) {
                        return introduce(&peer);
                    }
                    while peer.read_up_to(PING.len()) == PING.as_bytes() {
                        peer.send(OK);
                    }
                });
            }
        })
    }
}

/// Tells the gate who this is; it asks nothing more.
#[track_caller]
fn introduce(peer: &Peer) {
    peer.expect(WHO);
    peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{NAME}", NAME.len()));
    peer.expect_end();
}
