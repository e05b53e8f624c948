//! The gate as a user runs it: the built binary, configured by its environment alone, watched from outside.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::Endpoint;
use crate::lab;
use crate::process::{HANG, eventually, signal, wait};

pub const BINARY: &str = env!("CARGO_BIN_EXE_dockgate");

/// The log says which it was.
pub const ANY_PORT: &str = "127.0.0.1:0";

/// How to start a gate; `policy` is what a user would write, as in `CONTAINERS=1 POST=1`.
pub struct Setup<'a> {
    pub binary: PathBuf,
    pub socket: &'a Path,
    pub policy: &'a str,
    pub listen: &'a str,
    pub uid: Option<u32>,
}

pub struct Gate {
    process: Child,
    endpoint: Option<Endpoint>,
    log: Arc<Mutex<String>>,
}

impl Gate {
    pub fn start(socket: &Path, policy: &str) -> io::Result<Self> {
        Self::start_with(&Setup {
            binary: BINARY.into(),
            socket,
            policy,
            listen: ANY_PORT,
            uid: None,
        })
    }

    pub fn start_with(setup: &Setup<'_>) -> io::Result<Self> {
        let mut command = Command::new(&setup.binary);
        lab::environment(&mut command, setup.socket.parent().unwrap_or(setup.socket));
        command.env("LISTEN", setup.listen).env("SOCKET_PATH", setup.socket);
        command.envs(setup.policy.split_whitespace().filter_map(|pair| pair.split_once('=')));
        if let Some(uid) = setup.uid {
            command.uid(uid).gid(uid);
        }
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = Arc::new(Mutex::new(String::new()));
        if let Some(stderr) = process.stderr.take() {
            follow(stderr, Arc::clone(&log));
        }
        let mut gate = Self { process, endpoint: None, log };
        gate.endpoint = Some(gate.until_it_listens()?);
        // What the gate asks the daemon for itself is over by then, whatever has come of it.
        let is_settled = |log: &str| {
            log.contains("Connected to Docker Engine") || log.contains("it is tried again")
        };
        eventually(HANG, || Ok(is_settled(&gate.log())))?;
        Ok(gate)
    }

    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone().expect("it listens once it has started")
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The most memory that it has ever held, in KiB.
    pub fn peak_memory_kib(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok());
        kib.ok_or_else(|| io::Error::other(format!("no VmHWM in {status}")))
    }

    /// Sends SIGTERM and goes on; `ended` tells how that went.
    pub fn ask_to_stop(&self) {
        signal(&self.process, "TERM");
    }

    /// Waits for its end: how long that took, and an error unless it ended with exit code 0.
    pub fn ended(mut self) -> io::Result<Duration> {
        let start = Instant::now();
        let status = wait(&mut self.process, HANG)?;
        if !status.success() {
            return Err(io::Error::other(format!(
                "the gate ended with {status}; its log:\n{}",
                self.log()
            )));
        }
        Ok(start.elapsed())
    }

    pub fn stop(self) -> io::Result<Duration> {
        self.ask_to_stop();
        self.ended()
    }

    fn until_it_listens(&mut self) -> io::Result<Endpoint> {
        let mut endpoint = None;
        eventually(HANG, || {
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!(
                    "the gate did not start: {status}:\n{}",
                    self.log()
                )));
            }
            let log = self.log();
            let place = log.lines().find_map(|line| line.split_once("Listening on "));
            endpoint = place.and_then(|(_, place)| endpoint_at(place.trim()));
            Ok(endpoint.is_some())
        })?;
        endpoint.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn endpoint_at(place: &str) -> Option<Endpoint> {
    let path = place.strip_prefix("unix://").unwrap_or(place);
    if path.starts_with('/') {
        return Some(Endpoint::Unix(path.into()));
    }
    place.parse().ok().map(Endpoint::Tcp)
}

/// How many files, sockets and pipes the process has open.
pub fn descriptors(pid: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

fn follow(stderr: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
}
