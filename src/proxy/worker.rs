//! A worker: one thread, one runtime, its own listeners and its own connections. Workers share
//! nothing but the gate's settings and the number of connections there may be.

use super::closing::Closing;
use super::entrance::{Entered, Entrance};
use super::listener::Listener;
use super::places::Places;
use super::roster::Roster;
use super::{Gate, connection, excess};
use crate::runtime::{sleep, spawn};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::task::JoinSet;

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
    /// Serves until told to stop, and returns how many connections are left: they are cut when their
    /// runtime is dropped.
    ///
    /// # Errors
    /// A listener can't be registered.
    pub async fn run(self) -> io::Result<usize> {
        let roster = Rc::new(Roster::default());
        let mut time = spawn({
            let roster = Rc::clone(&roster);
            async move { roster.keep_time().await }
        });
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            let entrance = Entrance::new(listener.start()?, Arc::clone(&self.places));
            accepting.spawn_local(accept(entrance, Arc::clone(&self.gate), Rc::clone(&roster)));
        }

        select! {
            biased;
            () = self.closing.draining() => {}
            // Neither ends but by a panic. A gate with a listener that nobody serves would be there and not
            // answer, and one without a clock would wait for ever.
            Some(_) = accepting.join_next() => {
                return Err(io::Error::other("a listener's task has panicked"));
            }
            _ = &mut time => return Err(io::Error::other("the deadlines' task has panicked")),
        }
        // At once: an answer that comes now is already its connection's last.
        roster.drain();
        // A listener is closed when its task is gone, and only then are clients turned away.
        accepting.shutdown().await;
        // Whichever comes first, what is left is cut.
        select! {
            biased;
            () = roster.empty() => {}
            () = sleep(self.grace) => {}
            () = self.closing.cutting() => {}
        }
        Ok(roster.connected())
    }
}

/// Spawns a connection for each client that comes.
async fn accept(mut entrance: Entrance, gate: Arc<Gate>, roster: Rc<Roster>) {
    loop {
        let entered = entrance.next().await;
        let (gate, seat) = (Arc::clone(&gate), roster.seat());
        match entered {
            Entered::Admitted(client, place) => {
                spawn(connection::serve(client, place, gate, seat));
            }
            Entered::OverShare(client, Some(place)) => {
                excess::tell(&client, &gate);
                spawn(excess::refuse(client, place, seat));
            }
            Entered::OverShare(client, None) => {
                excess::tell(&client, &gate);
                excess::refuse_at_once(client);
            }
        }
    }
}
