//! The audit trail: one line of JSON for every judged request, every tunnel at its end and whatever
//! was no request (docs/audit.md). A worker puts a line into a queue and goes on; a thread of its
//! own writes. What finds no room there, or can't be written, is lost, counted and said.

mod json;
mod line;
mod losses;
mod queue;
pub mod sink;
mod time;
mod writer;

use super::metrics::Counter;
use super::record::{Record, TunnelRecord};
use super::who::Client;
use losses::Losses;
use queue::Queue;
use sink::{Destination, Sink};
use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::SystemTime;
pub use writer::{Writer, Writing};

/// The audit trail in the workers' hands.
#[derive(Debug)]
pub struct Audit {
    trail: Arc<Trail>,
    /// What changes something is not let through without its record.
    required: bool,
    /// What the ids of this process's records begin with.
    process: String,
}

/// What those who tell share with the one who writes.
#[derive(Debug, Default)]
struct Trail {
    queue: Queue,
    losses: Losses,
    /// The last line could not be written.
    failing: AtomicBool,
}

/// A place in the queue for a record that is still to come; free again when dropped.
#[derive(Debug)]
pub struct Reserved {
    trail: Arc<Trail>,
    is_taken: Cell<bool>,
}

impl Audit {
    /// Opens the trail, as the user that the process was started as.
    ///
    /// # Errors
    /// Why it can't be opened, and what helps.
    pub fn open(to: &Destination, required: bool) -> io::Result<(Self, Writer)> {
        let sink = Sink::open(to)?;
        let trail = Arc::new(Trail::default());
        let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let process = format!("{:x}", begun.as_micros());
        let writer = Writer { sink, trail: Arc::clone(&trail) };
        Ok((Self { trail, required, process }, writer))
    }

    /// Counts the records that have been lost.
    #[must_use]
    pub fn lost(&self) -> Arc<Counter> {
        self.trail.losses.counter()
    }

    /// Whether what changes something needs a place before it goes on.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// A place for a record; `None` if there is none, or nothing can be written at the moment.
    #[must_use]
    pub fn reserve(&self) -> Option<Reserved> {
        let is_open = !self.trail.failing.load(Relaxed) && self.trail.queue.reserve();
        is_open.then(|| Reserved { trail: Arc::clone(&self.trail), is_taken: Cell::default() })
    }

    /// Records a request.
    pub fn tell(&self, record: &Record<'_>) {
        let line = line::of_request(&self.process, record);
        let details = record.subject.details.as_deref();
        match details.and_then(|details| details.reserved.get()) {
            Some(place) if !place.is_taken.replace(true) => self.trail.queue.push_reserved(line),
            Some(_) | None => self.put(line),
        }
    }

    /// Records a tunnel.
    pub fn tell_tunnel(&self, record: &TunnelRecord<'_>) {
        self.put(line::of_tunnel(&self.process, record));
    }

    /// Records bytes that were no request. `request`: the method and the path among them, if any.
    pub fn tell_malformed(
        &self,
        id: u64,
        client: &dyn Client,
        name: &'static str,
        status: u16,
        request: &str,
    ) {
        self.put(line::of_malformed(&self.process, id, client, (name, status), request));
    }

    fn put(&self, line: Vec<u8>) {
        if !self.trail.queue.push(line) {
            self.trail.losses.count(&"the queue is full, its reader does not keep up");
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.is_taken.get() {
            self.trail.queue.release();
        }
    }
}
