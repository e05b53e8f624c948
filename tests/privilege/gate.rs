//! A gate behind whatever command starts it, in front of a socket of whatever owner and mode.

use libtest_mimic::Failed;
use nix::sys::socket::Shutdown;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with a socket that answers every connection with one pong.
pub struct Place {
    pub path: PathBuf,
    /// The listener of the daemon that runs.
    listener: Mutex<Option<UnixListener>>,
}

impl Place {
    pub fn new() -> Result<Self, Failed> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        let path =
            std::env::temp_dir().join(format!("dockgate-drop-{}-{count}", std::process::id()));
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Self { path, listener: Mutex::new(None) })
    }

    pub fn socket(&self) -> PathBuf {
        self.path.join("docker.sock")
    }

    /// The program. Others than root get a copy: where it was built, only its owner may look.
    fn program(&self, words: &[&str]) -> Result<String, Failed> {
        let built = env!("CARGO_BIN_EXE_dockgate");
        if !words.iter().any(|word| word.starts_with("--reuid")) {
            return Ok(built.to_owned());
        }
        let copy = self.path.join("dockgate");
        fs::copy(built, &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        Ok(copy.display().to_string())
    }

    /// A daemon that has this socket.
    pub fn daemon(&self, owner: u32, group: u32, mode: u32) -> Result<(), Failed> {
        let _ = fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket())?;
        chown(self.socket(), Some(owner), Some(group))?;
        fs::set_permissions(self.socket(), fs::Permissions::from_mode(mode))?;
        *self.listener.lock().map_err(|_| "poisoned")? = Some(listener.try_clone()?);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(mut client) = client else { return };
                thread::spawn(move || {
                    let mut head = [0; 4096];
                    if client.read(&mut head).is_ok_and(|count| count > 0) {
                        let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
                    }
                });
            }
        });
        Ok(())
    }

    /// Ends the daemon. Its socket's file stays, as where one is killed.
    pub fn stop_daemon(&self) -> Result<(), Failed> {
        if let Some(listener) = self.listener.lock().map_err(|_| "poisoned")?.take() {
            // Nobody is accepted any more, by either descriptor.
            nix::sys::socket::shutdown(listener.as_raw_fd(), Shutdown::Both)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

pub struct Gate {
    child: Child,
    log: PathBuf,
}

impl Gate {
    /// Starts the program by `words`, to which its path is added, and waits until it serves.
    pub fn start(
        words: &[&str],
        place: &Place,
        environment: &[(&str, &str)],
    ) -> Result<Self, Failed> {
        let mut gate = Self::spawn(words, place, environment)?;
        gate.wait_for("Filtering Docker API requests")?;
        Ok(gate)
    }

    pub fn spawn(
        words: &[&str],
        place: &Place,
        environment: &[(&str, &str)],
    ) -> Result<Self, Failed> {
        let program = place.program(words)?;
        let mut words: Vec<&str> = words.to_vec();
        words.push(&program);
        let log = place.path.join("log");
        let child = Command::new(words[0])
            .args(&words[1..])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LISTEN", "127.0.0.1:0")
            .env("SOCKET_PATH", place.socket())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        Ok(Self { child, log })
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn wait_for(&mut self, words: &str) -> Result<(), Failed> {
        let begun = Instant::now();
        while !self.log().contains(words) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the gate has ended ({status}): {}", self.log()).into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{words:?} is not in the log: {}", self.log()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What `/proc/PID/status` says.
    pub fn status(&self) -> Result<BTreeMap<String, String>, Failed> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let pair = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let words: Vec<&str> = value.split_whitespace().collect();
            Some((name.to_owned(), words.join(" ")))
        };
        Ok(text.lines().filter_map(pair).collect())
    }

    /// Sends a ping through to the daemon; the status line.
    pub fn ping(&self) -> Result<String, Failed> {
        let log = self.log();
        let place = log.split("Listening on ").nth(1).and_then(|rest| rest.lines().next());
        let mut stream = TcpStream::connect(place.ok_or("it does not say where it listens")?)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    pub fn wait(&mut self) -> Result<ExitStatus, Failed> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("it does not end: {}", self.log()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fails with both sides where they differ.
pub fn same(what: &str, found: &str, expected: &str) -> Result<(), Failed> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?}, not {expected:?}").into())
    }
}

/// Fails where `text` has not these words.
pub fn says(text: &str, words: &str) -> Result<(), Failed> {
    if text.contains(words) { Ok(()) } else { Err(format!("{words:?} is not in: {text}").into()) }
}

/// Whether a command fails that a trial needs: loudly, and in CI as an error. Containers are often
/// not allowed namespaces.
pub fn lacks(words: &[&str]) -> Result<bool, Failed> {
    let output = Command::new(words[0]).args(&words[1..]).output();
    if output.as_ref().is_ok_and(|output| output.status.success()) {
        return Ok(false);
    }
    skipped(&format!("{words:?} fails here: {output:?}"))
}

/// Says that a trial, or a part of it, is skipped.
pub fn skipped(why: &str) -> Result<bool, Failed> {
    if std::env::var_os("CI").is_some() {
        return Err(format!("in CI that is a failure: {why}").into());
    }
    let line = "=".repeat(100);
    eprintln!("{line}\nSKIPPED: {why}\n{line}");
    Ok(true)
}
