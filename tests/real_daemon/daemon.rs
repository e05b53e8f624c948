//! A private Docker daemon: its own directory, socket and namespace in containerd, no bridge, no firewall rules, nothing
//! shared with a daemon that the machine may run. Its debug log is the oracle of what it was asked to do.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::engine::Engine;
use crate::http::{Connection, Endpoint};
use crate::lab;
use crate::process::{HANG, eventually, signal, wait};
use crate::tree::Programs;

/// The one image that every trial uses, imported from the distribution's static busybox.
pub const IMAGE: &str = "bb:latest";

/// Starting takes a second or two; a cold disk may need longer.
const START: Duration = Duration::from_secs(60);

pub struct Daemon {
    engine: &'static Engine,
    programs: Programs,
    directory: PathBuf,
    log_level: &'static str,
    process: Child,
}

/// What the gate asks the daemon for itself, before it judges: in the newest version, and so without a
/// prefix. How such a call begins, and how it ends.
const ASKED_BY_THE_GATE: [(&str, &str); 9] = [
    ("GET /_ping", ""),
    ("HEAD /_ping", ""),
    ("GET /version", ""),
    ("GET /info", ""),
    ("GET /containers/", "/json"),
    ("GET /exec/", "/json"),
    ("GET /volumes/", ""),
    ("GET /networks", ""),
    ("GET /services/", ""),
];

/// Whether the gate may have asked this of its own accord.
pub fn is_gates_own(call: &str) -> bool {
    ASKED_BY_THE_GATE.iter().any(|(begin, end)| call.starts_with(begin) && call.ends_with(end))
}

/// A file that a program under test writes its log to.
pub struct Log(pub PathBuf);

/// A place in a log.
pub struct Mark(u64);

impl Mark {
    pub const START: Self = Self(0);
}

impl Log {
    pub fn end(&self) -> Mark {
        Mark(fs::metadata(&self.0).map_or(0, |log| log.len()))
    }

    /// What was written since; what can't be read is missed by whoever looks for it.
    pub fn from(&self, mark: &Mark) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut log) = File::open(&self.0) {
            let _ = log.seek(SeekFrom::Start(mark.0)).and_then(|_| log.read_to_end(&mut bytes));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Daemon {
    /// Starts a daemon that keeps all it has in `directory`, and waits until it answers.
    pub fn start(
        engine: &'static Engine,
        programs: &Programs,
        directory: &Path,
    ) -> io::Result<Self> {
        Self::start_with_log_level(engine, programs, directory, "debug")
    }

    /// As users run it, and so without the log of its calls. It matters where bodies are concerned: to log them, a
    /// daemon that debugs reads JSON bodies that another leaves in the connection.
    pub fn start_without_debug(
        engine: &'static Engine,
        programs: &Programs,
        directory: &Path,
    ) -> io::Result<Self> {
        Self::start_with_log_level(engine, programs, directory, "info")
    }

    /// With this in its configuration file.
    pub fn start_with_settings(
        engine: &'static Engine,
        programs: &Programs,
        directory: &Path,
        settings: &str,
    ) -> io::Result<Self> {
        Self::start_with(engine, programs, directory, "debug", settings)
    }

    fn start_with_log_level(
        engine: &'static Engine,
        programs: &Programs,
        directory: &Path,
        log_level: &'static str,
    ) -> io::Result<Self> {
        Self::start_with(engine, programs, directory, log_level, "{}")
    }

    fn start_with(
        engine: &'static Engine,
        programs: &Programs,
        directory: &Path,
        log_level: &'static str,
        settings: &str,
    ) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        fs::write(directory.join("daemon.json"), settings)?;
        let process = spawn(engine, programs, directory, log_level)?;
        let (programs, directory) = (programs.clone(), directory.to_owned());
        let daemon = Self { engine, programs, directory, log_level, process };
        daemon.until_it_answers()?;
        Ok(daemon)
    }

    pub fn engine(&self) -> &'static Engine {
        self.engine
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("docker.sock")
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.socket())
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// As a crash would end it: no goodbye, and the socket file stays where it is.
    pub fn crash(&mut self) -> io::Result<()> {
        let containerd = fs::read_to_string(self.directory.join("exec/containerd/containerd.pid"));
        signal(&self.process, "KILL");
        wait(&mut self.process, HANG)?;
        fs::remove_file(self.directory.join("pid"))?;
        // Its containerd dies with it, a moment later; the next daemon must not take it for a living one.
        let Ok(containerd) = containerd else {
            return Ok(());
        };
        let entry = Path::new("/proc").join(containerd.trim());
        eventually(HANG, || Ok(!entry.exists()))
    }

    pub fn start_again(&mut self) -> io::Result<()> {
        self.process = spawn(self.engine, &self.programs, &self.directory, self.log_level)?;
        self.until_it_answers()
    }

    pub fn mark(&self) -> Mark {
        self.log().end()
    }

    /// The requests that the daemon has begun to serve since `mark`, the pings that every client sends left out.
    pub fn calls_since(&self, mark: &Mark) -> BTreeSet<String> {
        let calls = self.all_calls_since(mark).into_iter();
        calls.filter(|call| !call.ends_with("/_ping")).collect()
    }

    /// The same with the pings, in the order in which they were begun.
    pub fn all_calls_since(&self, mark: &Mark) -> Vec<String> {
        let news = self.log().from(mark);
        news.lines().filter_map(self.engine.call).collect()
    }

    /// The routes that its router has, as it has said at its start.
    pub fn routes(&self) -> BTreeSet<String> {
        self.log().from(&Mark::START).lines().filter_map(self.engine.registered).collect()
    }

    /// Removes whatever a trial has left, all but the image: the next one finds what the first one found.
    pub fn sweep(&self) -> io::Result<()> {
        let connection = &mut self.endpoint().connect()?;
        // Services would put back the containers that are removed.
        if connection.ask("POST", "/swarm/leave?force=1", "")?.status == 200 {
            connection.ask("DELETE", "/networks/docker_gwbridge", "")?;
        }
        let mut doomed = Vec::new();
        for container in list(connection, "/containers/json?all=1")? {
            doomed.push(format!("/containers/{}?force=1&v=1", text(&container["Id"])));
        }
        for image in list(connection, "/images/json")? {
            let tags = image["RepoTags"].as_array().cloned().unwrap_or_default();
            let others = tags.iter().map(text).filter(|tag| tag != IMAGE && tag != "<none>:<none>");
            doomed.extend(others.map(|tag| format!("/images/{tag}?force=1")));
            if !tags.iter().any(|tag| text(tag) == IMAGE) {
                doomed.push(format!("/images/{}?force=1", text(&image["Id"])));
            }
        }
        for target in doomed {
            connection.ask("DELETE", &target, "")?;
        }
        for target in ["/networks/prune", "/build/prune?all=1"] {
            connection.ask("POST", target, "")?;
        }
        // Pruning leaves volumes that were made with mount options.
        let volumes: Value = serde_json::from_str(&connection.ask("GET", "/volumes", "")?.body)?;
        for volume in volumes["Volumes"].as_array().into_iter().flatten() {
            connection.ask("DELETE", &format!("/volumes/{}", text(&volume["Name"])), "")?;
        }
        Ok(())
    }

    fn until_it_answers(&self) -> io::Result<()> {
        eventually(START, || {
            Ok(self.endpoint().ask("GET", "/_ping", "").is_ok_and(|pong| pong.status == 200))
        })
        .map_err(|_| {
            io::Error::other(format!(
                "dockerd does not answer; its log:\n{}",
                self.log().from(&Mark::START)
            ))
        })
    }

    fn log(&self) -> Log {
        Log(self.directory.join("log"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        signal(&self.process, "TERM");
        if wait(&mut self.process, HANG).is_err() {
            signal(&self.process, "KILL");
            let _ = self.process.wait();
        }
    }
}

/// The daemon has a network of its own: its bridges meet no others, and are gone with it.
fn spawn(
    engine: &Engine,
    programs: &Programs,
    directory: &Path,
    log_level: &str,
) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(directory.join("log"))?;
    let namespace = format!("dockgate-tests-{}", std::process::id());
    let mut command = programs.command("/usr/sbin/dockerd");
    command.arg("--data-root").arg(directory.join("data"));
    command.arg("--exec-root").arg(directory.join("exec"));
    command.arg("--pidfile").arg(directory.join("pid"));
    command.arg("--config-file").arg(directory.join("daemon.json"));
    command.arg("--host").arg(format!("unix://{}", directory.join("docker.sock").display()));
    command.args(["--containerd-namespace", &namespace]);
    command.arg("--containerd-plugins-namespace").arg(format!("{namespace}-plugins"));
    command.args(["--bridge=none", "--iptables=false", "--log-level", log_level]);
    command.args(engine.options);
    lab::environment(&mut command, directory);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn()
}

fn list(connection: &mut Connection, target: &str) -> io::Result<Vec<Value>> {
    Ok(serde_json::from_str(&connection.ask("GET", target, "")?.body)?)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
