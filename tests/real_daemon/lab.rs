//! Where the trials happen: a temporary directory, the private daemon in it, the clients' environment. Everything that is
//! started carries the directory's name in its environment, so that a watchman can end what is left, by id, however the
//! suite itself ends: finished, panicked, interrupted or killed.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::daemon::Daemon;
use crate::engine::Engine;
use crate::http::Endpoint;
use crate::process::{Finished, run};
use crate::tree::Programs;

/// The distribution's clients, which are of the engine's age, not some that happen to come first in the PATH.
const CLIENTS: [(&str, &str); 2] =
    [("docker", "/usr/bin/docker"), ("docker-compose", "/usr/bin/docker-compose")];
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Marks the processes that belong to one run of the suite.
const MARK: &str = "DOCKGATE_TEST_RUN";
pub const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A file system for containers: busybox under each of its names.
const MAKE_IMAGE: &str = "
mkdir -p image/bin image/tmp image/etc image/root
cp \"$(command -v busybox)\" image/bin/busybox
image/bin/busybox --list | grep -vx busybox | while read -r applet; do ln -s busybox \"image/bin/$applet\"; done
tar -C image -c . | docker import - bb
rm -r image";

/// Waits for the end of its standard input, which is the end of the suite; then ends what still runs, and tidies up.
const WATCHMAN: &str = r#"
cat
marked() {
    {
        grep -lzxF "$mark=$directory" /proc/[0-9]*/environ
        # What runs in a container, by its root: it carries no mark.
        grep -l "^overlay / overlay .*lowerdir=$directory/" /proc/[0-9]*/mounts
    } 2>/dev/null | cut -d / -f 3
}
for sign in TERM KILL; do
    for tick in $(seq 50); do
        pids=$(marked)
        [ -n "$pids" ] || break
        [ "$tick" = 1 ] && kill -s "$sign" $pids 2>/dev/null
        sleep 0.1
    done
done
awk -v below="$directory/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r |
    while read -r mount; do umount -l "$mount"; done
rm -rf "$directory"
"#;

pub struct Lab {
    pub daemon: Option<Daemon>,
    engine: &'static Engine,
    programs: Programs,
    directory: PathBuf,
    watchman: Child,
}

impl Lab {
    pub fn open(engine: &'static Engine) -> io::Result<Self> {
        let directory = PathBuf::from(format!("/tmp/dockgate-tests-{}", std::process::id()));
        fs::create_dir(&directory)?;
        // One trial's gate runs as another user and must be able to get as far as the socket.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        let programs = Programs::of(engine.root(), &[&directory, Path::new(REPOSITORY)]);
        let watchman = watchman(&directory)?;
        let mut lab = Self { watchman, daemon: None, engine, programs, directory };
        fs::create_dir(lab.directory.join("bin"))?;
        for (name, program) in CLIENTS {
            lab.programs.link(program, &lab.directory.join("bin").join(name))?;
        }
        fs::create_dir(lab.directory.join("home"))?;
        lab.fresh_work_directory()?;
        lab.daemon = Some(lab.start_daemon("daemon")?);
        let made = lab.shell(&lab.daemon().endpoint(), MAKE_IMAGE)?;
        if made.code == Some(0) { Ok(lab) } else { Err(io::Error::other(made.stderr())) }
    }

    /// The daemon that the trials share; there is one from the end of `open` on.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("the lab is open")
    }

    pub fn engine(&self) -> &'static Engine {
        self.engine
    }

    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// One more daemon of the lab's engine, in a directory of this name.
    pub fn start_daemon(&self, name: &str) -> io::Result<Daemon> {
        Daemon::start(self.engine, &self.programs, &self.directory.join(name))
    }

    /// The same without the log of its calls.
    pub fn start_daemon_without_debug(&self, name: &str) -> io::Result<Daemon> {
        Daemon::start_without_debug(self.engine, &self.programs, &self.directory.join(name))
    }

    /// Another daemon of the same engine, with this in its configuration file.
    pub fn start_daemon_with_settings(&self, name: &str, settings: &str) -> io::Result<Daemon> {
        let directory = self.directory.join(name);
        Daemon::start_with_settings(self.engine, &self.programs, &directory, settings)
    }

    /// Makes the daemon a swarm of its own, until it is swept.
    pub fn open_swarm(&self) -> io::Result<()> {
        let init = r#"{"ListenAddr":"127.0.0.1:2377","AdvertiseAddr":"127.0.0.1"}"#;
        let made = self.daemon().endpoint().ask("POST", "/swarm/init", init)?;
        if made.status == 200 { Ok(()) } else { Err(io::Error::other(made.body)) }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An empty directory to work in, for as long as one run of a scenario takes.
    pub fn fresh_work_directory(&self) -> io::Result<()> {
        let work = self.directory.join("work");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir(work)
    }

    /// Runs one line of shell with the clients on its PATH, all pointed at `endpoint`.
    pub fn shell(&self, endpoint: &Endpoint, line: &str) -> io::Result<Finished> {
        run(&mut self.command(endpoint, line))
    }

    /// The same, not yet started.
    pub fn command(&self, endpoint: &Endpoint, line: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", line]);
        environment(&mut command, &self.directory);
        let installed = Path::new(REPOSITORY).join("target/clients");
        let first = [self.directory.join("bin"), installed.join("venv/bin")]
            .map(|path| path.display().to_string());
        command.env("PATH", format!("{}:{SYSTEM_PATH}", first.join(":")));
        command.env("NODE_PATH", installed.join("node_modules"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("CLIENTS", Path::new(REPOSITORY).join("tests/clients"));
        command.env("HOME", self.directory.join("home"));
        command.env("JOINT", self.engine.joint);
        command.env("DOCKER_HOST", endpoint.docker_host());
        command.env("TERM", "xterm");
        command.current_dir(self.directory.join("work"));
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            // Containers first: a daemon that ends leaves the networks' bridges behind.
            let _ = daemon.sweep();
        }
        drop(self.watchman.stdin.take());
        let _ = self.watchman.wait();
    }
}

/// Nothing of the caller's environment reaches what is under test; all carry the mark of this run.
pub fn environment(command: &mut Command, directory: &Path) {
    let run = directory
        .ancestors()
        .find(|path| path.parent() == Some(Path::new("/tmp")))
        .unwrap_or(directory);
    command
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", directory)
        .env(MARK, run);
}

fn watchman(directory: &Path) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCHMAN]).env("mark", MARK).env("directory", directory);
    // A group of its own: the Ctrl-C that ends the suite must not end it too.
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Files without which nothing here can run.
pub fn requirements() -> Vec<PathBuf> {
    let clients = Path::new(REPOSITORY).join("target/clients");
    let installed = ["venv/bin/python3", "node_modules/dockerode"].map(|path| clients.join(path));
    let system = ["/usr/bin/node", "/bin/busybox"].map(PathBuf::from);
    system.into_iter().chain(installed).collect()
}
