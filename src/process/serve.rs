//! Serving, as one visible sequence of values: bound, then confined, then at work until a signal
//! ends it. Each step takes the one before, so none can be left out or come too early.

use super::activation;
use super::config::Config;
use super::privilege::{Proven, Seen};
use super::sandbox::{self, Sandbox};
use super::warning;
use crate::observe::log;
use crate::policy::Policy;
use crate::proxy::Gate;
use crate::proxy::daemon::Daemon;
use crate::proxy::listener::{Binding, Listener, Place};
use crate::proxy::worker::{Phase, Worker};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tracing::{error, info, warn};

/// Descriptors that are not connections: standard ones, signals, and some to look at the socket
/// when something is wrong.
const RESERVED_FILES: u64 = 16;

/// A worker's own: its event loop's, its listeners, and for each of them a client that waits for a
/// place.
const FILES_PER_WORKER: u64 = 16;

/// A connection's own, its client's and its daemon's.
const FILES_PER_CONNECTION: u64 = 2;

/// More connections than this are not counted on, whatever the file limit.
const CONNECTIONS_MAX: u64 = 1 << 20;

/// sysexits(3), `EX_TEMPFAIL`: to be started again.
const EXIT_STALE: u8 = 75;

/// Serves until SIGTERM or SIGINT; the exit status is 0 then.
#[must_use]
pub fn serve(config: &Config) -> ExitCode {
    log::begin(config.log_level);
    match Bound::bind(config).and_then(Bound::confine).and_then(Confined::serve) {
        Ok(end) => end,
        Err(why) => {
            error!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A process that has what it needs root for: its listeners.
struct Bound<'c> {
    config: &'c Config,
    listeners: Vec<Vec<Listener>>,
}

/// A process that has given up everything else.
struct Confined<'c> {
    config: &'c Config,
    gate: Arc<Gate>,
    listeners: Vec<Vec<Listener>>,
    places: Arc<Semaphore>,
    /// What was given up, in words, and what could not be.
    said: Vec<String>,
    kept: Vec<String>,
}

impl<'c> Bound<'c> {
    fn bind(config: &'c Config) -> io::Result<Self> {
        info!("dockgate {}", env!("CARGO_PKG_VERSION"));
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let listeners = bind(config)?;
        for listener in &listeners[0] {
            info!("Listening on {}", listener.place());
        }
        warning::of_open_doors(config, &listeners[0]);
        warning::of_open_arguments(&config.rules);
        Ok(Self { config, listeners })
    }

    /// Gives up user, groups, capabilities and files, and proves it. What follows has no more than
    /// its listeners and the way to the daemon.
    fn confine(self) -> io::Result<Confined<'c>> {
        let Self { config, listeners } = self;
        let places = connections_max(raise_file_limit(), config.workers);
        let daemon = Daemon::at(&config.socket_path)?;
        let Proven { mut said, mut kept } =
            Seen::look(&config.socket_path, config.run_as).drop()?.prove()?;
        if config.sandbox == Sandbox::Strict {
            match sandbox::take_files(&config.socket_path) {
                Ok(taken) => said.push(taken.to_owned()),
                Err(why) => kept.push(format!("the file system ({why})")),
            }
        }
        let policy = Policy::new(config.policy, config.api_version_min, config.rules.clone());
        Ok(Confined {
            config,
            gate: Arc::new(Gate {
                policy,
                limits: config.limits,
                daemon,
                collected: AtomicUsize::new(0),
            }),
            listeners,
            places: Arc::new(Semaphore::new(places)),
            said,
            kept,
        })
    }
}

impl Confined<'_> {
    /// Makes the workers, takes away the system calls that only starting needs, and serves.
    fn serve(mut self) -> io::Result<ExitCode> {
        let (tell, phase) = watch::channel(Phase::Serving);
        let mut workers: Vec<(Runtime, Worker)> = Vec::new();
        for listeners in std::mem::take(&mut self.listeners) {
            let worker = Worker {
                gate: Arc::clone(&self.gate),
                listeners,
                places: Arc::clone(&self.places),
                phase: phase.clone(),
                grace: self.config.shutdown_grace,
            };
            workers.push((Builder::new_current_thread().enable_all().build()?, worker));
        }
        let mut workers = workers.into_iter();
        let Some((runtime, first)) = workers.next() else { return Ok(ExitCode::SUCCESS) };
        let signals = {
            let _within = runtime.enter();
            Signals::new()?
        };
        // Every other worker has a thread of its own, and begins when all are behind the filter;
        // until all have arrived, they make calls that only threads that begin make.
        let begin = Arc::new(Barrier::new(workers.len() + 1));
        let threads: Vec<_> = workers
            .enumerate()
            .map(|(index, (runtime, worker))| {
                let begin = Arc::clone(&begin);
                thread::Builder::new().name(format!("worker-{}", index + 1)).spawn(move || {
                    arrive_and_begin(&begin);
                    runtime.block_on(worker.run())
                })
            })
            .collect::<io::Result<_>>()?;
        begin.wait();
        self.take_calls();
        self.say();
        begin.wait();

        let stale = Arc::new(AtomicBool::new(false));
        let result = runtime.block_on(async {
            let watched = self.config.exit_on_stale_socket.then(|| Arc::clone(&self.gate));
            tokio::spawn(signals.tell(tell, watched, Arc::clone(&stale)));
            first.run().await
        });
        drop(runtime);
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("a worker has panicked"))??;
        }
        let end = if stale.load(Ordering::Relaxed) {
            ExitCode::from(EXIT_STALE)
        } else {
            ExitCode::SUCCESS
        };
        result.map(|()| end)
    }

    fn take_calls(&mut self) {
        if self.config.sandbox == Sandbox::Off {
            return self.kept.push("system calls and files (SANDBOX=off)".to_owned());
        }
        match sandbox::take_calls(self.config.sandbox) {
            Ok(taken) => self.said.push(taken.to_owned()),
            Err(why) => self.kept.push(format!("system calls ({why})")),
        }
    }

    fn say(&self) {
        info!("given up: {}", self.said.join("; "));
        if !self.kept.is_empty() {
            warn!("could not give up: {}", self.kept.join("; "));
        }
        info!("Filtering Docker API requests to {}", self.config.socket_path.display());
        if let Err(unreachable) = self.gate.daemon.probe() {
            warn!("{}; it is tried again with every request", unreachable.message);
        }
    }
}

/// A worker's thread is there; it goes on when the first worker has taken the calls away.
fn arrive_and_begin(begin: &Barrier) {
    begin.wait();
    begin.wait();
}

/// A set of listeners for each worker.
fn bind(config: &Config) -> io::Result<Vec<Vec<Listener>>> {
    let binding = Binding {
        ipv6_disabled: config.ipv6_disabled,
        unix_mode: config.listen_socket_mode,
        shared: config.workers > 1,
    };
    let bind_one = |place: &Place| {
        Listener::bind(place, binding).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {place}: {error}"))
        })
    };
    let mut first = activation::adopted()?;
    if first.is_empty() {
        first = config.listen.iter().map(bind_one).collect::<io::Result<_>>()?;
    }
    let mut all = vec![first];
    for _ in 1..config.workers {
        all.push(all[0].iter().map(|one| one.again(binding)).collect::<io::Result<_>>()?);
    }
    Ok(all)
}

/// Raises the soft file limit to the hard one and returns it. Nothing is allocated for it.
fn raise_file_limit() -> u64 {
    const FALLBACK: u64 = 1024;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return FALLBACK };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// How many connections fit a file limit.
fn connections_max(files: u64, workers: usize) -> usize {
    let reserved = RESERVED_FILES + FILES_PER_WORKER * workers as u64;
    let connections =
        (files.saturating_sub(reserved) / FILES_PER_CONNECTION).clamp(1, CONNECTIONS_MAX);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The first signal drains, the second cuts. A stale socket, where it is `watched`, ends what
    /// no daemon will answer any more.
    async fn tell(
        mut self,
        tell: watch::Sender<Phase>,
        watched: Option<Arc<Gate>>,
        stale: Arc<AtomicBool>,
    ) {
        let Some(name) = self.next_or_stale(watched.as_deref()).await else {
            error!(
                "the daemon's socket is stale: ending, to be started again (EXIT_ON_STALE_SOCKET)"
            );
            stale.store(true, Ordering::Relaxed);
            let _ = tell.send(Phase::Draining);
            return;
        };
        info!("{name}: taking no new clients, letting running requests end");
        let _ = tell.send(Phase::Draining);
        let name = self.next().await;
        info!("{name} again: stopping at once");
        let _ = tell.send(Phase::Cut);
    }

    /// The next signal; `None` if the socket is found stale before.
    async fn next_or_stale(&mut self, watched: Option<&Gate>) -> Option<&'static str> {
        let stale = async {
            match watched {
                Some(gate) => gate.daemon.stale().await,
                None => std::future::pending().await,
            }
        };
        let mut stale = pin!(stale);
        let mut next = pin!(self.next());
        std::future::poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Ready(name) => Poll::Ready(Some(name)),
            Poll::Pending => stale.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    async fn next(&mut self) -> &'static str {
        std::future::poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() {
                return Poll::Ready("SIGTERM");
            }
            self.interrupt.poll_recv(cx).map(|_| "SIGINT")
        })
        .await
    }
}
