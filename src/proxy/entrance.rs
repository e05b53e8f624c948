//! Where clients come in: accepted one by one, each with a place, while there are places and files.

use super::listener::Acceptor;
use super::peer::Peer;
use super::places::{OverShare, Place, Places, RefusedPlace};
use super::socket::Socket;
use super::worker::Closing;
use crate::event::sleep;
use nix::errno::Errno;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long accepting pauses where the system has no descriptor or memory left.
const PAUSE: Duration = Duration::from_millis(100);

/// What has come in.
#[derive(Debug)]
pub enum Entered {
    /// A client that has a place.
    Admitted(Socket, Place),
    /// One that has as many as it may have, and a place to read that, if there was one.
    OverShare(Socket, Option<RefusedPlace>),
}

/// A listener at work.
#[derive(Debug)]
pub struct Entrance {
    acceptor: Acceptor,
    places: Arc<Places>,
    /// Ends it; without one it is open as long as the event loop runs.
    closing: Option<Arc<Closing>>,
    /// That there is no descriptor or memory has been said.
    is_short: bool,
}

impl Entrance {
    /// Of this listener, into these places.
    #[must_use]
    pub fn new(acceptor: Acceptor, places: Arc<Places>, closing: Option<Arc<Closing>>) -> Self {
        Self { acceptor, places, closing, is_short: false }
    }

    /// Waits for a client and a place for it; `None` when none is to be taken any more.
    pub async fn next(&mut self) -> Option<Entered> {
        loop {
            let admitted = match self.accept().await? {
                Ok(client) => self.admit(client).await,
                Err(error) => Err(error),
            };
            match admitted {
                Ok(admitted) => {
                    self.is_short = false;
                    return admitted;
                }
                Err(error) => {
                    if !mem::replace(&mut self.is_short, true) {
                        let cure = cure(&error);
                        tracing::error!("cannot accept clients for the moment: {error}{cure}");
                    }
                    self.rest().await;
                }
            }
        }
    }

    fn poll_closing(&self, cx: &Context<'_>) -> Poll<()> {
        self.closing.as_ref().map_or(Poll::Pending, |closing| closing.draining.poll_raised(cx))
    }

    async fn accept(&self) -> Option<io::Result<OwnedFd>> {
        poll_fn(|cx| match self.poll_closing(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => self.acceptor.poll_accept().map(Some),
        })
        .await
    }

    /// Finds a client a place, if need be when somebody has left. The place is taken after the
    /// client has come: a listener that nobody uses must not keep one.
    async fn admit(&self, client: OwnedFd) -> io::Result<Option<Entered>> {
        let Some(place) = self.place(self.acceptor.peer(&client)).await? else { return Ok(None) };
        let client = Socket::accepted(client)?;
        Ok(Some(match place {
            Ok(place) => Entered::Admitted(client, place),
            Err(OverShare) => Entered::OverShare(client, self.places.take_for_refused()),
        }))
    }

    /// Waits for a place; `None` if the end comes first.
    async fn place(&self, peer: Peer) -> io::Result<Option<Result<Place, OverShare>>> {
        let mut waits = false;
        let place = poll_fn(|cx| {
            if self.poll_closing(cx).is_ready() {
                return Poll::Ready(Ok(None));
            }
            let place = self.places.poll_take(cx, peer).map(|place| Ok(Some(place)));
            if place.is_pending()
                && !mem::replace(&mut waits, true)
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
        poll_fn(|cx| match self.poll_closing(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => pause.as_mut().poll(cx),
        })
        .await;
        let _ = self.acceptor.resume();
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
