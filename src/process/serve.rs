//! Serving, as one visible sequence: bind, raise the file limit, start the workers, wait for a
//! signal, let them end.

use super::activation;
use super::config::Config;
use crate::admission::{Mode, Rules, Variable};
use crate::observe::log;
use crate::policy::{self, Policy};
use crate::proxy::Gate;
use crate::proxy::daemon::Daemon;
use crate::proxy::listener::{Binding, Listener, Place};
use crate::proxy::worker::{Phase, Worker};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
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

/// Serves until SIGTERM or SIGINT; the exit status is 0 then.
#[must_use]
pub fn serve(config: &Config) -> ExitCode {
    log::begin(config.log_level);
    match start(config).and_then(|workers| run(workers, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Binds everything and says what will be done.
fn start(config: &Config) -> io::Result<Vec<Workplace>> {
    info!("dockgate {}", env!("CARGO_PKG_VERSION"));
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let listeners = bind(config)?;
    for listener in &listeners[0] {
        info!("Listening on {}", listener.place());
    }
    warn_of_open_doors(config, &listeners[0]);
    warn_of_open_arguments(&config.rules);
    info!("Filtering Docker API requests to {}", config.socket_path.display());

    let gate = Arc::new(Gate {
        policy: Policy::new(config.policy, config.api_version_min, config.rules.clone()),
        limits: config.limits,
        daemon: Daemon::at(&config.socket_path)?,
    });
    if let Err(unreachable) = gate.daemon.probe() {
        warn!("{}; it is tried again with every request", unreachable.message);
    }
    let places = Arc::new(Semaphore::new(connections_max(raise_file_limit(), config.workers)));
    Ok(listeners
        .into_iter()
        .map(|listeners| Workplace {
            gate: Arc::clone(&gate),
            places: Arc::clone(&places),
            listeners,
        })
        .collect())
}

/// What a worker will need, before there is an event loop to put it in.
struct Workplace {
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
    listeners: Vec<Listener>,
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

/// Doors in the admission that are open to the whole host, said loudly.
fn warn_of_open_arguments(rules: &Rules) {
    match rules.mode() {
        Mode::Enforce => {}
        Mode::Audit => {
            warn!("ADMISSION=audit: arguments that would be refused are let through and logged");
        }
        Mode::Off => warn!(
            "ADMISSION=off: arguments are not examined; a client that may create a container is root on the host"
        ),
    }
    if rules.is_on(Variable::Privileged) {
        warn!("ALLOW_PRIVILEGED=1: a client that may create a container is root on the host");
    }
    if let Some(prefix) = rules.prefixes().iter().find(|prefix| prefix.path == "/") {
        let how = if prefix.is_read_only { "read" } else { "read and write" };
        warn!(
            "ALLOW_BIND_MOUNTS has /: a client that may create a container may {how} every file of the host"
        );
    }
}

/// What a user may not have meant.
fn warn_of_open_doors(config: &Config, listeners: &[Listener]) {
    let on = |variable| config.policy.is_on(variable);
    let withholding = [
        (policy::Variable::AllowArchive, "files"),
        (policy::Variable::AllowChanges, "file changes"),
        (policy::Variable::AllowExport, "exports"),
        (policy::Variable::AllowLogs, "logs"),
        (policy::Variable::AllowTop, "process lists"),
    ];
    let readable: Vec<String> = withholding
        .iter()
        .filter(|&&(variable, _)| config.policy.get(variable).is_none())
        .map(|(variable, what)| format!("{what} ({variable}=0 withholds them)"))
        .collect();
    if on(policy::Variable::Containers) && !readable.is_empty() {
        warn!("CONTAINERS=1 lets clients read of every container: {}", readable.join(", "));
    }
    let everywhere = listeners.iter().any(|listener| match listener.place() {
        Place::Everywhere(_) => true,
        Place::Tcp(address) => address.ip().is_unspecified(),
        Place::Unix(_) => false,
    });
    if everywhere {
        info!("every address is listened on, without TLS: let only trusted networks reach it");
    }
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

/// Runs the first worker here and every other on a thread of its own.
fn run(workplaces: Vec<Workplace>, config: &Config) -> io::Result<()> {
    let (tell, phase) = watch::channel(Phase::Serving);
    let mut workers = workplaces.into_iter().map(|place| Worker {
        gate: place.gate,
        listeners: place.listeners,
        places: place.places,
        phase: phase.clone(),
        grace: config.shutdown_grace,
    });
    let Some(first) = workers.next() else { return Ok(()) };
    let threads: Vec<_> = workers
        .enumerate()
        .map(|(index, worker)| {
            thread::Builder::new()
                .name(format!("worker-{}", index + 1))
                .spawn(move || runtime()?.block_on(worker.run()))
        })
        .collect::<io::Result<_>>()?;

    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let signals = Signals::new()?;
        tokio::spawn(signals.tell(tell));
        first.run().await
    });
    drop(runtime);
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a worker has panicked"))??;
    }
    result
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
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

    /// The first signal drains, the second cuts.
    async fn tell(mut self, tell: watch::Sender<Phase>) {
        let name = self.next().await;
        info!("{name}: taking no new clients, letting running requests end");
        let _ = tell.send(Phase::Draining);
        let name = self.next().await;
        info!("{name} again: stopping at once");
        let _ = tell.send(Phase::Cut);
    }

    async fn next(&mut self) -> &'static str {
        std::future::poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready("SIGTERM");
            }
            self.interrupt.poll_recv(cx).map(|_| "SIGINT")
        })
        .await
    }
}
