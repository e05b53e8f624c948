//! Serving, as one visible sequence of values: bound, then confined, then at work until a signal
//! ends it. Each step takes the one before, so none can be left out or come too early.

use super::activation;
use super::config::Config;
use super::container;
use super::file_limit;
use super::grants;
use super::privilege::{Proven, Seen};
use super::sandbox::{self, Sandbox};
use super::signals::Signals;
use super::threads::Threads;
use super::warning;
use crate::admission::own::Own;
use crate::observe::audit::sink::Destination;
use crate::observe::audit::{Audit, Writer};
use crate::observe::log::{self, Log};
use crate::observe::metrics::Counter;
use crate::observe::observer::Observer;
use crate::policy::Policy;
use crate::proxy::Gate;
use crate::proxy::closing::Closing;
use crate::proxy::daemon::Daemon;
use crate::proxy::engine::{self, Info, Judged};
use crate::proxy::listener::{Binding, Listener, Place};
use crate::proxy::places::Places;
use crate::proxy::share::Total;
use crate::proxy::status::StatusListener;
use crate::proxy::watch;
use crate::proxy::worker::Worker;
use crate::runtime::{Runtime, sleep, spawn};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::future::pending;
use std::io;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::select;
use tracing::{error, info, warn};

/// sysexits(3), `EX_TEMPFAIL`: to be started again.
const EXIT_STALE: u8 = 75;

/// Serves until SIGTERM or SIGINT; the exit status is 0 then.
#[must_use]
pub fn serve(config: &Config) -> ExitCode {
    let _log = Log::begin(config.log_level, config.log_format);
    match Bound::bind(config).and_then(Bound::confine).and_then(Confined::serve) {
        Ok(end) => end,
        Err(why) => {
            error!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A process that has what it needs root for: its listeners, and what it writes to.
struct Bound<'c> {
    config: &'c Config,
    listeners: Vec<Vec<Listener>>,
    status: Option<StatusListener>,
    audit: Option<(Audit, Writer)>,
}

/// A process that has dropped everything else.
struct Confined<'c> {
    config: &'c Config,
    gate: Arc<Gate>,
    listeners: Vec<Vec<Listener>>,
    status: Option<StatusListener>,
    places: Arc<Places>,
    /// How many there are.
    places_max: usize,
    writer: Option<Writer>,
    /// What was dropped, what could not be, and what else there is to log of it.
    said: Vec<String>,
    kept: Vec<String>,
    notes: Vec<&'static str>,
}

impl<'c> Bound<'c> {
    fn bind(config: &'c Config) -> io::Result<Self> {
        info!("dockgate {}", env!("CARGO_PKG_VERSION"));
        for warning in &config.warnings {
            warn!("{warning}");
        }
        if config.socket_path.is_dir() {
            return Err(io::Error::other(format!(
                "SOCKET_PATH={} is a directory, and no socket: give the path of the socket in it, or mend the mount \
                 (Docker makes a directory where the file to mount was missing)",
                config.socket_path.display()
            )));
        }
        let listeners = bind(config)?;
        for listener in &listeners[0] {
            info!("Listening on {}", listener.place());
        }
        warning::of_open_doors(config, &listeners[0]);
        warning::of_open_arguments(&config.rules);
        let open = |to| Audit::open(to, config.audit_required);
        let audit = config.audit_log.as_ref().map(open).transpose()?;
        if let Some(to) = &config.audit_log {
            info!("Recording every request to {to}");
        }
        let status = bind_status(config, audit.as_ref().map(|(audit, _)| audit.lost()))?;
        if let Some(status) = &status {
            info!("Metrics on {}", status.place());
        }
        info!("allowed: {}", grants::of(config));
        if let Some(shields) = grants::shields(config) {
            info!("{shields}");
        }
        Ok(Self { config, listeners, status, audit })
    }

    /// Gives up user, groups, capabilities and files, and proves it. What follows has no more than
    /// its listeners and the way to the daemon.
    fn confine(self) -> io::Result<Confined<'c>> {
        let Self { config, listeners, status, audit } = self;
        let (audit, writer) = audit.unzip();
        let reserved = status.as_ref().map_or(0, |_| StatusListener::FILES_MAX);
        let files = file_limit::raise().saturating_sub(reserved);
        let places = file_limit::connections_max(files, config.workers);
        let daemon = Daemon::at(&config.socket_path)?;
        let rules = config.rules.clone().with_own(own(config, &listeners));
        let Proven { mut said, mut kept, notes } =
            Seen::look(&config.socket_path, config.run_as).drop()?.prove()?;
        if config.sandbox == Sandbox::Strict {
            let audit_socket = config.audit_log.as_ref().and_then(Destination::socket);
            let sockets: Vec<_> =
                std::iter::once(config.socket_path.as_path()).chain(audit_socket).collect();
            match sandbox::take_files(&sockets) {
                Ok(taken) => said.push(taken.to_owned()),
                Err(why) => kept.push(format!("the file system ({why})")),
            }
        }
        let policy = Policy::new(config.policy, config.api_version_min, rules)
            .with_browsers(config.browsers.clone());
        Ok(Confined {
            config,
            gate: Arc::new(Gate {
                policy,
                limits: config.limits,
                daemon,
                observer: Observer::default()
                    .with_metrics(status.as_ref().map(StatusListener::metrics))
                    .with_audit(audit),
                relay: config.relay,
                info: Info::default(),
                judged: Judged::default(),
                collected: Total::of_bodies(&config.limits),
                begun: Total::of_heads(&config.limits),
            }),
            listeners,
            status,
            places: Arc::new(Places::new(
                places,
                file_limit::refused_max(files),
                config.limits.client_share,
            )),
            places_max: places,
            writer,
            said,
            kept,
            notes,
        })
    }
}

impl Confined<'_> {
    /// Makes the workers, takes away the system calls that only starting needs, and serves.
    fn serve(mut self) -> io::Result<ExitCode> {
        let closing = Arc::new(Closing::default());
        let worker = |listeners| Worker {
            gate: Arc::clone(&self.gate),
            listeners,
            places: Arc::clone(&self.places),
            closing: Arc::clone(&closing),
            grace: self.config.shutdown_grace,
        };
        let mut workers = std::mem::take(&mut self.listeners).into_iter().map(worker);
        let Some(first) = workers.next() else { return Ok(ExitCode::SUCCESS) };
        let runtime = Runtime::new()?;
        let signals = runtime.within(Signals::take)?;
        log::queue()?;
        // Dropped when the workers have ended, with what they have told in the end.
        let _writing = self.writer.take().map(Writer::start).transpose()?;
        let others = Threads::make(workers.collect())?;
        self.take_calls();
        self.say();
        others.begin();

        let watched = self.config.exit_on_stale_socket.then(|| Arc::clone(&self.gate));
        let end = Rc::new(Cell::new(ExitCode::SUCCESS));
        let status = self.status.take().map(|status| (status, Arc::clone(&self.gate)));
        let mut cut = runtime.run({
            let (end, gate, interval) =
                (Rc::clone(&end), Arc::clone(&self.gate), self.config.watchdog);
            let others_ended = others.ended();
            async move {
                if let Some((status, gate)) = status {
                    status.start(gate, Arc::clone(&closing))?;
                }
                spawn(tell(signals, closing, watched, end));
                spawn(tell_folded(Arc::clone(&gate)));
                spawn(async move {
                    // Where that fails, each request tries it again.
                    let _ = engine::learn_own(gate.policy.own(), &gate.daemon).await;
                    watch::keep(&gate.daemon, interval).await;
                });
                let cut = first.run().await?;
                // Signals are heard here.
                others_ended.await;
                Ok::<_, io::Error>(cut)
            }
        })?;
        let joined = others.join();
        self.gate.observer.floods.tell_all();
        cut += joined?;
        match cut {
            0 => info!("stopped"),
            1 => info!("stopped; 1 connection was still open and has been closed"),
            _ => info!("stopped; {cut} connections were still open and have been closed"),
        }
        Ok(end.get())
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
        info!("dropped privileges: {}", self.said.join("; "));
        for note in &self.notes {
            info!("{note}");
        }
        if !self.kept.is_empty() {
            warn!("could not drop: {}", self.kept.join("; "));
        }
        let (places, share) = (self.places_max, self.config.limits.client_share);
        let alone = share.alone(places);
        info!(
            "Up to {places} connections at once, {alone} of them one client's (MAX_CLIENT_SHARE)"
        );
        info!("Filtering Docker API requests to {}", self.config.socket_path.display());
    }
}

/// The gate's own container, where it is in one, and its files.
fn own(config: &Config, listeners: &[Vec<Listener>]) -> Own {
    let listening = listeners.iter().flatten().filter_map(|listener| match listener.place() {
        Place::Unix(path) => Some(path.as_path()),
        Place::Everywhere(_) | Place::Tcp(_) => None,
    });
    let recording = config.audit_log.as_ref().and_then(Destination::path);
    let files: BTreeSet<String> = listening
        .chain(recording)
        .chain([config.socket_path.as_path()])
        // As it is named, and as it is found behind links: either may be mounted.
        .flat_map(|path| [Some(path.to_owned()), fs::canonicalize(path).ok()])
        .filter_map(|path| Some(path?.to_string_lossy().into_owned()))
        .collect();
    let socket = config.socket_path.to_string_lossy();
    Own::new(container::id(), &socket, files)
}

fn binding(config: &Config) -> Binding {
    Binding {
        ipv6_disabled: config.ipv6_disabled,
        unix_mode: config.listen_socket_mode,
        shared: config.workers > 1,
    }
}

/// The listener for metrics, if there is to be one.
fn bind_status(
    config: &Config,
    audit_lost: Option<Arc<Counter>>,
) -> io::Result<Option<StatusListener>> {
    let Some(place) = &config.metrics_listen else { return Ok(None) };
    StatusListener::bind(place, binding(config), audit_lost).map(Some).map_err(|error| {
        let why = format!("cannot listen on {place} (METRICS_LISTEN): {error}");
        io::Error::new(error.kind(), why)
    })
}

/// A set of listeners for each worker.
fn bind(config: &Config) -> io::Result<Vec<Vec<Listener>>> {
    let binding = binding(config);
    let bind_one = |place: &Place| {
        Listener::bind(place, binding).map_err(|error| {
            let cure = warning::cure_of_binding(place, &error);
            io::Error::new(error.kind(), format!("cannot listen on {place}: {error}{cure}"))
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

/// Tells what has no line of its own in the log, while there is anything.
async fn tell_folded(gate: Arc<Gate>) {
    let floods = &gate.observer.floods;
    loop {
        let end = floods.folding().await;
        sleep(end.saturating_duration_since(Instant::now())).await;
        floods.tell_ended(Instant::now());
    }
}

/// Tells of the end: the first signal drains, the second cuts. A stale socket, where it is
/// `watched`, ends what no daemon will answer any more.
async fn tell(
    mut signals: Signals,
    closing: Arc<Closing>,
    watched: Option<Arc<Gate>>,
    end: Rc<Cell<ExitCode>>,
) {
    let stale = async {
        match &watched {
            Some(gate) => gate.daemon.stale().await,
            None => pending().await,
        }
    };
    let name = select! {
        biased;
        () = stale => {
            error!("the daemon's socket is stale: exiting, to be restarted (EXIT_ON_STALE_SOCKET)");
            end.set(ExitCode::from(EXIT_STALE));
            return closing.drain();
        }
        name = signals.next() => name,
    };
    info!("{name} received: accepting no new connections, running requests may finish");
    closing.drain();
    let name = signals.next().await;
    info!("{name} received again: closing every connection");
    closing.cut();
}
