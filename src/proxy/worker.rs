//! A worker: one thread, one event loop, its own listeners and its own connections. Workers share
//! nothing but the gate's settings and the number of connections there may be.

use super::listener::{Acceptor, Listener};
use super::places::{Place, Places};
use super::roster::Roster;
use super::socket::Socket;
use super::{Gate, connection};
use crate::event::{self, Flag, sleep};
use nix::errno::Errno;
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long accepting pauses where the system has no descriptor or memory left.
const PAUSE: Duration = Duration::from_millis(100);

/// How the end of service is told to all workers.
#[derive(Debug, Default)]
pub struct Closing {
    /// No new client is taken, and what is under way may end within its grace.
    pub draining: Flag,
    /// The gate stops where it is.
    pub cut: Flag,
}

/// What a worker is given.
#[derive(Debug)]
pub struct Worker {
    /// What it shares with the others.
    pub gate: Arc<Gate>,
    /// Its own listeners.
    pub listeners: Vec<Listener>,
    /// Places for connections, the same for all workers.
    pub places: Arc<Places>,
    /// When to stop.
    pub closing: Arc<Closing>,
    /// How long connections may go on after that.
    pub grace: Duration,
}

impl Worker {
    /// Serves until told to stop. On return every connection has ended, or is cut when its event
    /// loop is left.
    ///
    /// # Errors
    /// A listener can't be registered.
    pub async fn run(self) -> io::Result<()> {
        let roster = Rc::new(Roster::default());
        event::spawn({
            let roster = Rc::clone(&roster);
            async move { roster.keep_time().await }
        });
        let open = Rc::new(Cell::new(self.listeners.len()));
        for listener in self.listeners {
            let entrance = Entrance {
                acceptor: listener.start()?,
                gate: Arc::clone(&self.gate),
                places: Arc::clone(&self.places),
                closing: Arc::clone(&self.closing),
                roster: Rc::clone(&roster),
            };
            let open = Rc::clone(&open);
            event::spawn(async move {
                entrance.receive().await;
                open.set(open.get() - 1);
            });
        }

        self.closing.draining.raised().await;
        // At once: an answer that comes now is already its connection's last.
        roster.drain();
        // A listener is closed when its task is gone, and only then are clients turned away.
        poll_fn(|_| if open.get() == 0 { Poll::Ready(()) } else { event::again() }).await;
        let mut empty = pin!(roster.empty());
        let mut grace = pin!(sleep(self.grace));
        // Whichever comes first, what is left is cut.
        poll_fn(|cx| {
            let over = empty.as_mut().poll(cx).is_ready()
                || grace.as_mut().poll(cx).is_ready()
                || self.closing.cut.poll_raised(cx).is_ready();
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(())
    }
}

/// What to do where clients can't be accepted; empty where the kernel's word says it all.
fn cure(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE) => {
            ": dockgate has as many files open as it may; raise its limit (ulimit -n)"
        }
        Some(Errno::ENFILE) => {
            ": this machine has as many files open as it may (sysctl fs.file-max)"
        }
        Some(_) | None => "",
    }
}

/// Where clients come in.
struct Entrance {
    acceptor: Acceptor,
    gate: Arc<Gate>,
    places: Arc<Places>,
    closing: Arc<Closing>,
    roster: Rc<Roster>,
}

impl Entrance {
    /// Accepts until no new client is to be taken.
    async fn receive(self) {
        let mut short = false;
        while let Some(client) = self.next().await {
            let admitted = match client {
                Ok(client) => self.admit(client).await,
                Err(error) => Err(error),
            };
            if let Err(error) = &admitted
                && !short
            {
                tracing::error!("cannot accept clients for the moment: {error}{}", cure(error));
            }
            short = admitted.is_err();
            if short {
                self.rest().await;
            }
        }
    }

    /// Waits for a client; `None` when none is to be taken any more.
    async fn next(&self) -> Option<io::Result<OwnedFd>> {
        poll_fn(|cx| match self.closing.draining.poll_raised(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => self.acceptor.poll_accept().map(Some),
        })
        .await
    }

    /// Serves a client, if need be when somebody has left. The place is taken after the client has
    /// come: a listener that nobody uses must not keep one.
    async fn admit(&self, client: OwnedFd) -> io::Result<()> {
        let Some(place) = self.place().await? else { return Ok(()) };
        let (client, gate, seat) =
            (Socket::accepted(client)?, Arc::clone(&self.gate), self.roster.seat());
        event::spawn(async move {
            connection::serve(client, gate, seat).await;
            drop(place);
        });
        Ok(())
    }

    /// Waits for a place; `None` if the end comes first.
    async fn place(&self) -> io::Result<Option<Place>> {
        let mut waits = false;
        let place = poll_fn(|cx| {
            if self.closing.draining.poll_raised(cx).is_ready() {
                return Poll::Ready(Ok(None));
            }
            let place = self.places.poll_take(cx).map(|place| Ok(Some(place)));
            if place.is_pending()
                && !std::mem::replace(&mut waits, true)
                && let Err(error) = self.acceptor.pause()
            {
                return Poll::Ready(Err(error));
            }
            place
        })
        .await;
        if waits {
            self.acceptor.resume()?;
        }
        place
    }

    /// Leaves clients in the kernel's queue for a moment.
    async fn rest(&self) {
        // Where epoll can't be told so, the loop goes round for that moment.
        let _ = self.acceptor.pause();
        let mut pause = pin!(sleep(PAUSE));
        poll_fn(|cx| match self.closing.draining.poll_raised(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => pause.as_mut().poll(cx),
        })
        .await;
        let _ = self.acceptor.resume();
    }
}
