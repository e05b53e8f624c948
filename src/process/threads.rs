//! The workers beside the first, each on a thread of its own. Their runtimes are made there, they begin
//! when every thread is behind the filter, and where one ends the others do.

use crate::proxy::closing::Closing;
use crate::proxy::worker::Worker;
use crate::runtime::Runtime;
use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use tokio::sync::watch;

/// Threads of workers.
#[derive(Debug)]
pub struct Threads {
    begin: Arc<Barrier>,
    handles: Vec<JoinHandle<io::Result<usize>>>,
    /// Closed when no thread serves any more.
    serving: watch::Sender<()>,
}

/// A thread that serves.
struct Serving {
    closing: Arc<Closing>,
    _thread: watch::Receiver<()>,
}

impl Drop for Serving {
    /// Whatever has ended it, a panic too, ends the gate: clients of its listeners would wait in vain.
    fn drop(&mut self) {
        self.closing.drain();
    }
}

impl Threads {
    /// Makes them, each with its runtime. They wait for [`Self::begin`]: making a thread takes calls that
    /// the filter does not have.
    ///
    /// # Errors
    /// A thread or a runtime can't be made.
    pub fn make(workers: Vec<Worker>) -> io::Result<Self> {
        let count = workers.len();
        let begin = Arc::new(Barrier::new(count + 1));
        let serving = watch::Sender::new(());
        let (outcome, outcomes) = mpsc::channel();
        let spawn = |(index, worker)| {
            let (begin, outcome, serving) =
                (Arc::clone(&begin), outcome.clone(), serving.subscribe());
            let run = move || run(worker, &begin, &outcome, serving);
            thread::Builder::new().name(format!("worker-{}", index + 1)).spawn(run)
        };
        let handles = workers.into_iter().enumerate().map(spawn).collect::<io::Result<_>>()?;
        // A thread that panics says nothing.
        drop(outcome);
        let runtimes = outcomes.into_iter().take(count).collect::<io::Result<Vec<()>>>()?;
        if runtimes.len() < count { Err(panicked()) } else { Ok(Self { begin, handles, serving }) }
    }

    /// Has them serve.
    pub fn begin(&self) {
        self.begin.wait();
    }

    /// Waits until none of them serves any more.
    pub fn ended(&self) -> impl Future<Output = ()> + use<> {
        let serving = self.serving.clone();
        async move { serving.closed().await }
    }

    /// Waits for their ends, and returns how many connections were left in all.
    ///
    /// # Errors
    /// One has failed, or panicked.
    pub fn join(self) -> io::Result<usize> {
        let ends: Vec<_> = self.handles.into_iter().map(JoinHandle::join).collect();
        ends.into_iter().map(|end| end.map_err(|_| panicked())?).sum()
    }
}

fn run(
    worker: Worker,
    begin: &Barrier,
    made: &Sender<io::Result<()>>,
    serving: watch::Receiver<()>,
) -> io::Result<usize> {
    let (runtime, outcome) = match Runtime::new() {
        Ok(runtime) => (Some(runtime), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // Where it fails, the start has failed for another thread, and the process ends.
    made.send(outcome).map_err(io::Error::other)?;
    let Some(runtime) = runtime else { return Ok(0) };
    begin.wait();
    let _serving = Serving { closing: Arc::clone(&worker.closing), _thread: serving };
    runtime.run(worker.run())
}

fn panicked() -> io::Error {
    io::Error::other("a worker has panicked")
}
