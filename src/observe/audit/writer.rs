//! The thread that writes the trail. It alone waits for a disk or a reader. It is there before the
//! sandbox is, and does nothing but wait, write and connect again.

use super::Trail;
use super::losses::QUIET;
use super::queue::Next;
use super::sink::Sink;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

/// How long the process stays in the end for what is still to be written.
const END_TIME_MAX: Duration = Duration::from_secs(1);

/// A writer that has not begun.
#[derive(Debug)]
pub struct Writer {
    pub(super) sink: Sink,
    pub(super) trail: Arc<Trail>,
}

/// A writer at work. Dropped, it waits a moment for what is still to be written.
#[derive(Debug)]
#[must_use]
pub struct Writing(Arc<Trail>);

impl Writer {
    /// Makes the thread, and waits until it is there: a thread that begins makes calls that none
    /// makes later.
    ///
    /// # Errors
    /// No thread can be made.
    pub fn start(self) -> io::Result<Writing> {
        let Self { sink, trail } = self;
        let writing = Writing(Arc::clone(&trail));
        let begun = Arc::new(Barrier::new(2));
        let there = Arc::clone(&begun);
        thread::Builder::new().name("audit".to_owned()).spawn(move || {
            there.wait();
            write(sink, &trail);
        })?;
        begun.wait();
        Ok(writing)
    }
}

fn write(mut sink: Sink, trail: &Trail) {
    loop {
        let patience = trail.losses.are_running().then_some(QUIET);
        match trail.queue.next(patience) {
            Next::Line(line) => {
                let written = sink.write(&line);
                trail.failing.store(written.is_err(), Relaxed);
                if let Err(error) = written {
                    trail.losses.count(&error);
                }
            }
            Next::Nothing => {}
            Next::End => return,
        }
        if !trail.failing.load(Relaxed) {
            trail.losses.end();
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let left = self.0.queue.finish(END_TIME_MAX);
        self.0.losses.close(left);
    }
}
