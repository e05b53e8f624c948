//! A worker: one thread, one event loop, its own listeners and its own connections. Workers share
//! nothing but the gate's settings and the number of connections there may be.

use super::listener::{Acceptor, Listener};
use super::roster::Roster;
use super::socket::Socket;
use super::{Gate, connection};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// How long accepting pauses where the system has no descriptor or memory left.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether the gate serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It does.
    Serving,
    /// It takes no new client, and lets what is under way end within its grace.
    Draining,
    /// It stops where it is.
    Cut,
}

/// What a worker is given.
#[derive(Debug)]
pub struct Worker {
    /// What it shares with the others.
    pub gate: Arc<Gate>,
    /// Its own listeners.
    pub listeners: Vec<Listener>,
    /// Places for connections, the same for all workers.
    pub places: Arc<Semaphore>,
    /// When to stop.
    pub phase: watch::Receiver<Phase>,
    /// How long connections may go on after that.
    pub grace: Duration,
}

impl Worker {
    /// Serves until told to stop. On return every connection has ended, or is cut when the
    /// runtime is dropped.
    ///
    /// # Errors
    /// A listener can't be registered.
    pub async fn run(mut self) -> io::Result<()> {
        let roster = Arc::new(Roster::default());
        let clock = tokio::spawn({
            let roster = Arc::clone(&roster);
            async move { roster.keep_time().await }
        });
        let mut accepting: Vec<JoinHandle<()>> = Vec::new();
        for listener in self.listeners {
            let acceptor = listener.start()?;
            let (gate, places, roster) =
                (Arc::clone(&self.gate), Arc::clone(&self.places), Arc::clone(&roster));
            accepting.push(tokio::spawn(accept(acceptor, gate, places, roster)));
        }

        // An error means that nobody can tell us any more: stop as well.
        let _ = self.phase.wait_for(|&phase| phase != Phase::Serving).await;
        for task in accepting {
            task.abort();
            // The listener is closed when its task is gone, and only then are clients turned away.
            let _ = task.await;
        }
        roster.drain();
        let mut empty = pin!(roster.empty());
        let mut cut = pin!(self.phase.wait_for(|&phase| phase == Phase::Cut));
        let over = poll_fn(|cx| match (empty.as_mut().poll(cx), cut.as_mut().poll(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            (Poll::Ready(()), _) | (_, Poll::Ready(_)) => Poll::Ready(()),
        });
        // Whichever comes first, what is left is cut.
        let _ = tokio::time::timeout(self.grace, over).await;
        clock.abort();
        Ok(())
    }
}

/// Accepts while there are places; a client beyond them waits until somebody leaves. The place is
/// taken after the client has come: a listener that nobody uses must not keep one.
async fn accept(acceptor: Acceptor, gate: Arc<Gate>, places: Arc<Semaphore>, roster: Arc<Roster>) {
    let mut short = false;
    loop {
        let client = acceptor.accept().await;
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match client.and_then(Socket::new) {
            Ok(client) => {
                short = false;
                let (gate, seat) = (Arc::clone(&gate), roster.seat());
                tokio::spawn(async move {
                    connection::serve(client, gate, seat).await;
                    drop(place);
                });
            }
            Err(error) => {
                if !short {
                    tracing::error!("cannot accept clients for the moment: {error}");
                }
                short = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
