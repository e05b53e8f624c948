//! A worker: one thread, one event loop, its own listeners and its own connections. Workers share
//! nothing but the gate's settings and the number of connections there may be.

use super::entrance::{Entered, Entrance};
use super::listener::Listener;
use super::places::Places;
use super::roster::Roster;
use super::{Gate, connection, excess};
use crate::event::{self, Flag, sleep};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

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
            let (places, closing) = (Arc::clone(&self.places), Arc::clone(&self.closing));
            let mut entrance = Entrance::new(listener.start()?, places, Some(closing));
            let (gate, roster, open) =
                (Arc::clone(&self.gate), Rc::clone(&roster), Rc::clone(&open));
            event::spawn(async move {
                while let Some(entered) = entrance.next().await {
                    let (gate, seat) = (Arc::clone(&gate), roster.seat());
                    match entered {
                        Entered::Admitted(client, place) => {
                            event::spawn(connection::serve(client, place, gate, seat));
                        }
                        Entered::OverShare(client, Some(place)) => {
                            excess::tell(&client, &gate);
                            event::spawn(excess::refuse(client, place, seat));
                        }
                        Entered::OverShare(client, None) => {
                            excess::tell(&client, &gate);
                            excess::refuse_at_once(client);
                        }
                    }
                }
                drop(entrance);
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
