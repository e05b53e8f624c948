//! Where clients come in: accepted one by one, each with a place, while there are places and files.

use super::listener::Acceptor;
use super::places::{OverShare, Place, Places, RefusedPlace};
use super::socket::Socket;
use crate::runtime::sleep;
use nix::errno::Errno;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;
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
    /// That there is no descriptor or memory has been said.
    is_short: bool,
}

impl Entrance {
    /// Of this listener, into these places.
    #[must_use]
    pub fn new(acceptor: Acceptor, places: Arc<Places>) -> Self {
        Self { acceptor, places, is_short: false }
    }

    /// Waits for a client and a place for it. Where it is dropped meanwhile, a client that has no place
    /// yet is turned away.
    pub async fn next(&mut self) -> Entered {
        loop {
            let accepted = poll_fn(|cx| self.acceptor.poll_accept(cx)).await;
            let entered = match accepted {
                Ok(client) => self.admit(client).await,
                Err(error) => Err(error),
            };
            match entered {
                Ok(entered) => {
                    self.is_short = false;
                    return entered;
                }
                Err(error) => {
                    if !mem::replace(&mut self.is_short, true) {
                        let cure = cure(&error);
                        tracing::error!("cannot accept clients for the moment: {error}{cure}");
                    }
                    // The others stay in the kernel's queue.
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Finds a client a place, if need be when somebody has left. The place is taken after the
    /// client has come: a listener that nobody uses must not keep one.
    async fn admit(&self, client: OwnedFd) -> io::Result<Entered> {
        let taken = self.places.take(self.acceptor.peer(&client)).await;
        let client = Socket::accepted(client)?;
        Ok(match taken {
            Ok(place) => Entered::Admitted(client, place),
            Err(OverShare) => Entered::OverShare(client, self.places.take_for_refused()),
        })
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
