//! The gate's process: started with everything on, watched through /proc and its own `/metrics`.

use crate::Failure;
use crate::client::Client;
use crate::tally::Series;
use socket2::SockAddr;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(15);

/// What is open. `/secrets` never is.
const POLICY: [&str; 9] =
    ["BUILD", "CONTAINERS", "EVENTS", "EXEC", "IMAGES", "PING", "POST", "VERSION", "VOLUMES"];

pub struct Gate {
    child: Child,
    log: PathBuf,
    /// How clients reach it.
    pub tcp: SockAddr,
    pub unix: SockAddr,
    metrics: SockAddr,
}

/// What the gate says of itself.
pub struct Scrape {
    pub requests: BTreeMap<Series, u64>,
    pub connections: u64,
    pub tunnels: u64,
    pub audit_lost: u64,
    /// Series, lines of it.
    pub lines: usize,
}

impl Gate {
    /// Starts it in front of this daemon, with all that it writes in `folder`.
    pub fn start(
        binary: &Path,
        folder: &Path,
        daemon: &Path,
        audit: &Path,
    ) -> Result<Self, Failure> {
        let log = folder.join("gate.log");
        let socket = folder.join("gate.sock");
        let child = Command::new(binary)
            .env_clear()
            .envs(POLICY.map(|name| (name, "1")))
            .env("SOCKET_PATH", daemon)
            .env("LISTEN", format!("127.0.0.1:0,unix://{}", socket.display()))
            .env("LISTEN_SOCKET_MODE", "0666")
            .env("METRICS_LISTEN", "127.0.0.1:0")
            .env("AUDIT_LOG", format!("unix://{}", audit.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let nowhere = SockAddr::unix(&socket)?;
        let (tcp, metrics) = (nowhere.clone(), nowhere.clone());
        let mut gate = Self { child, log, tcp, unix: nowhere, metrics };
        gate.wait_until_it_serves()?;
        gate.tcp = gate.place("Listening on ")?;
        gate.metrics = gate.place("Metrics on ")?;
        Ok(gate)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait_until_it_serves(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        while !self.log().contains("Filtering Docker API requests") {
            if self.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                return Err(format!("the gate does not start: {}", self.log()).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Where it says that it is to be found.
    fn place(&self, words: &str) -> Result<SockAddr, Failure> {
        let log = self.log();
        let place = log.lines().find_map(|line| Some(line.split_once(words)?.1));
        Ok(place.ok_or("no address in the log")?.trim().parse::<SocketAddr>()?.into())
    }

    pub fn scrape(&self) -> Result<Scrape, Failure> {
        let text = Client::connect(&self.metrics)?
            .ask("GET /metrics HTTP/1.1\r\nHost: gate\r\n\r\n", 200)?;
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        let mut requests = BTreeMap::new();
        for line in text.lines() {
            let Some(line) = line.strip_prefix("dockgate_requests_total{") else { continue };
            let (labels, value) = line.split_once("} ").ok_or("a series without a value")?;
            let mut words = labels.split('"').skip(1).step_by(2).map(str::to_owned);
            let mut word = || words.next().unwrap_or_default();
            let series = [word(), word(), word()];
            // An operation's series are there once one of them is.
            if value != "0" {
                requests.insert(series, value.parse()?);
            }
        }
        Ok(Scrape {
            requests,
            connections: value("dockgate_connections"),
            tunnels: value("dockgate_tunnels"),
            audit_lost: value("dockgate_audit_lost_total"),
            lines: text.lines().filter(|line| !line.starts_with('#')).count(),
        })
    }

    /// Whether it says that its daemon is there.
    pub fn expect_ready(&self) -> Result<(), Failure> {
        Client::connect(&self.metrics)?
            .ask("GET /readyz HTTP/1.1\r\nHost: gate\r\n\r\n", 200)
            .map(drop)
    }

    /// A number of /proc/PID/status.
    pub fn status(&self, name: &str) -> Result<u64, Failure> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let word = line.and_then(|line| line.split_whitespace().next());
        Ok(word.ok_or_else(|| format!("no {name}"))?.parse()?)
    }

    /// Its descriptors: files and sockets, and pipes.
    pub fn descriptors(&self) -> Result<(usize, usize), Failure> {
        let open = fs::read_dir(self.proc("fd"))?.flatten();
        // One may be closed while it is looked at.
        let links = open.filter_map(|file| fs::read_link(file.path()).ok());
        let (pipes, files): (Vec<PathBuf>, Vec<PathBuf>) =
            links.partition(|link| link.to_string_lossy().starts_with("pipe:"));
        Ok((files.len(), pipes.len() / 2))
    }

    /// The time that its threads have been running.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let spent = fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }

    /// Ends it as a service manager does.
    pub fn stop(&mut self) -> Result<ExitStatus, Failure> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-s", "TERM", &pid]).status()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("the gate does not end".into())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
