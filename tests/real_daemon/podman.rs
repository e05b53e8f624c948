//! The gate in front of Podman's service, which speaks the Docker API and another one of its own on
//! the same socket. Its router differs from the daemon's: any version will do, names are one
//! segment, and `/libpod/` opens what no variable of the gate does.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use libtest_mimic::Failed;

use crate::Proof;
use crate::agreement::everything;
use crate::daemon::{Log, Mark};
use crate::engine::Engine;
use crate::gate::Gate;
use crate::http::Endpoint;
use crate::lab::{self, Lab};
use crate::process::{HANG, eventually, signal, wait};
use crate::random::{self, Watched};

pub const PROOFS: &[Proof] = &[
    ("the docker client finds in Podman behind the gate what it finds without it", docker_client),
    ("what a policy does not open is refused before Podman sees it", what_is_closed),
    ("nothing of Podman's own API can be reached, however it is written", its_own_api),
    (
        "whatever requests are made of, Podman runs nothing that the policy does not allow",
        at_random,
    ),
];

/// How many times longer Podman takes for a request than a daemon, about.
const SLOWER: usize = 50;

/// Podman's service with all it has in one directory. Its access log is the oracle.
struct Podman {
    engine: &'static Engine,
    directory: PathBuf,
    log: Log,
    process: Child,
}

impl Podman {
    fn start(lab: &Lab) -> io::Result<Self> {
        let directory = lab.directory().join("podman");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory)?;
        let log = directory.join("log");
        let file = File::options().create(true).append(true).open(&log)?;
        let mut command = lab.programs().command("/usr/bin/podman");
        for (option, place) in [
            ("--root", "root"),
            ("--runroot", "run"),
            ("--tmpdir", "tmp"),
            ("--network-config-dir", "net"),
        ] {
            command.arg(option).arg(directory.join(place));
        }
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
        command.args(["--events-backend", "none", "--log-level", "info"]);
        command.args(["system", "service", "--time", "0"]);
        command.arg(format!("unix://{}", directory.join("podman.sock").display()));
        lab::environment(&mut command, &directory);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let process = command.spawn()?;
        let podman = Self { engine: lab.engine(), directory, log: Log(log), process };
        eventually(HANG, || Ok(podman.endpoint().ask("GET", "/_ping", "").is_ok()))
            .map_err(|_| io::Error::other(format!("Podman: {}", podman.log.from(&Mark::START))))?;
        Ok(podman)
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.socket())
    }
}

impl Watched for Podman {
    const HAS_ALL: bool = false;

    /// A daemon's routes that it has not are no mistake.
    fn engine(&self) -> &'static Engine {
        self.engine
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("podman.sock")
    }

    fn mark(&self) -> Mark {
        self.log.end()
    }

    /// Each in the order of its end: a connection's requests take turns.
    fn all_calls_since(&self, mark: &Mark) -> Vec<String> {
        let lines = self.log.from(mark);
        let calls =
            lines.lines().filter_map(|line| line.strip_prefix("@ - - [")?.split_once("] \""));
        let calls = calls.filter_map(|(_, call)| call.split_once(" HTTP/1."));
        calls.map(|(call, _)| call.to_owned()).collect()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        signal(&self.process, "TERM");
        if wait(&mut self.process, HANG).is_err() {
            signal(&self.process, "KILL");
            let _ = self.process.wait();
        }
    }
}

fn docker_client(lab: &Lab) -> Result<(), Failed> {
    let podman = Podman::start(lab)?;
    let gate = Gate::start(&podman.socket(), "CONTAINERS=1 IMAGES=1 NETWORKS=1 VOLUMES=1")?;
    let lines = [
        "docker version",
        "docker ps -a",
        "docker images",
        "docker volume ls",
        "docker network ls",
    ];
    let mark = podman.mark();
    for line in lines {
        let direct = lab.shell(&podman.endpoint(), line)?;
        let through = lab.shell(&gate.endpoint(), line)?;
        if through.code != Some(0) || through.stdout() != direct.stdout() {
            return Err(format!(
                "{line}: {:?}, not {:?}",
                through.stdout() + &through.stderr(),
                direct.stdout()
            )
            .into());
        }
    }
    let calls: BTreeSet<_> = podman.all_calls_since(&mark).into_iter().collect();
    if calls.iter().any(|call| call.contains("/containers/json?all=1")) {
        Ok(())
    } else {
        Err(format!("Podman's log has only {calls:?}").into())
    }
}

fn what_is_closed(lab: &Lab) -> Result<(), Failed> {
    let podman = Podman::start(lab)?;
    let gate = Gate::start(&podman.socket(), "CONTAINERS=1")?;
    let mark = podman.mark();
    for line in [
        "docker images",
        "docker rm nobody",
        "docker run x",
        "docker network create x",
        "docker info",
    ] {
        let refused = lab.shell(&gate.endpoint(), line)?;
        if !(refused.stderr() + &refused.stdout()).contains("dockgate: ") {
            return Err(format!("{line} is not refused: {}", refused.stderr()).into());
        }
    }
    let calls = podman.all_calls_since(&mark);
    match calls.iter().find(|call| !call.contains("/_ping") && !call.starts_with("GET /version")) {
        Some(call) => Err(format!("Podman has run {call}").into()),
        None => Ok(()),
    }
}

/// Podman's routes, as many as show what is at stake; they are there below a version only.
const LIBPOD: &[(&str, &str)] = &[
    ("GET", "/libpod/_ping"),
    ("GET", "/libpod/info"),
    ("GET", "/libpod/version"),
    ("GET", "/libpod/containers/json"),
    ("GET", "/libpod/containers/nobody/json"),
    ("GET", "/libpod/containers/nobody/export"),
    ("POST", "/libpod/containers/create"),
    ("POST", "/libpod/containers/nobody/start"),
    ("POST", "/libpod/containers/nobody/exec"),
    ("DELETE", "/libpod/containers/nobody"),
    ("GET", "/libpod/images/json"),
    ("POST", "/libpod/images/load"),
    ("GET", "/libpod/pods/json"),
    ("POST", "/libpod/pods/create"),
    ("GET", "/libpod/secrets/json"),
    ("GET", "/libpod/system/df"),
    ("GET", "/libpod/volumes/json"),
    ("GET", "/libpod/networks/json"),
];

/// Before a path, and what Podman takes for a version.
const PREFIXES: [&str; 10] = [
    "", "/v1.41", "/v4.3.1", "/v4.0.0", "/v5.8.0", "/v1.40", "/v1", "/v9.9", "/v1%2e41", "/%761.41",
];

fn its_own_api(lab: &Lab) -> Result<(), Failed> {
    let podman = Podman::start(lab)?;
    let policy = format!("{} ALLOW_PLUGIN_PRIVILEGES=*", everything());
    let gate = Gate::start(&podman.socket(), &policy)?;
    let mark = podman.mark();
    for (method, path) in LIBPOD {
        let direct = podman.endpoint().ask(method, &format!("/v4.3.1{path}"), "")?;
        if direct.status == 404 && direct.body.starts_with("Not Found") {
            return Err(format!("Podman has no {method} {path}").into());
        }
    }
    let known = podman.all_calls_since(&mark).len();
    if known < LIBPOD.len() {
        return Err(format!("Podman's log has {known} of its calls").into());
    }
    let mark = podman.mark();
    for prefix in PREFIXES {
        for (method, path) in LIBPOD {
            let name = path.strip_prefix("/libpod").unwrap_or_default();
            let last = path.replacen('/', "%2f", 3);
            for target in [
                format!("{prefix}{path}"),
                format!("{prefix}/%6cibpod{name}"),
                format!("{prefix}/libpod/.{name}"),
                format!("{prefix}/libpod/..{path}"),
                format!("{prefix}//libpod{name}"),
                format!("{prefix}/LIBPOD{name}"),
                format!("{prefix}{path}/"),
                format!("{prefix}{last}"),
                format!("{prefix}/containers/..{path}"),
                format!("{prefix}/images/%2e%2e{path}"),
                format!("{prefix}/images/..%2f{}", path.trim_start_matches('/')),
            ] {
                let through = gate.endpoint().ask(method, &target, "")?;
                if !matches!(through.status, 301 | 400 | 403) {
                    return Err(
                        format!("{method} {target}: {} {}", through.status, through.body).into()
                    );
                }
            }
        }
    }
    match podman.all_calls_since(&mark).iter().find(|call| !call.ends_with("/_ping")) {
        Some(call) => Err(format!("Podman has run {call}").into()),
        None => Ok(()),
    }
}

fn at_random(lab: &Lab) -> Result<(), Failed> {
    let podman = Podman::start(lab)?;
    random::play_policies(&podman, "podman", SLOWER)
}
