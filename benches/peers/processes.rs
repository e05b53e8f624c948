//! Who is compared, each a process that is started here, watched from outside and ended here.

use crate::Failure;
use crate::client::Client;
use crate::load::PING;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::unistd::Pid;
use socket2::SockAddr;
use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START_PATIENCE: Duration = Duration::from_secs(5);
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Under callgrind everything takes some fifty times as long.
const COUNTED_PATIENCE: Duration = Duration::from_secs(60);

/// Which parts of the API are open, in the ancestors' words.
const POLICY: [&str; 7] = ["CONTAINERS", "EVENTS", "EXEC", "IMAGES", "PING", "POST", "VERSION"];

const HAPROXY_RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/haproxy.cfg");

/// What stands between the client and the daemon.
pub enum Kind {
    /// Nothing.
    Straight,
    Copier,
    Haproxy {
        binary: PathBuf,
    },
    Gate {
        binary: PathBuf,
        settings: Vec<(String, String)>,
    },
    /// The gate under callgrind, which writes into `log` how many instructions it has counted.
    Counted {
        valgrind: PathBuf,
        binary: PathBuf,
        settings: Vec<(String, String)>,
        log: PathBuf,
    },
}

impl Kind {
    /// How it is started; nothing is not.
    fn command(&self, daemon: &Path, listen: SocketAddr) -> Result<Option<Command>, Failure> {
        let mut command = match self {
            Kind::Straight => return Ok(None),
            Kind::Copier => Command::new(env::current_exe()?),
            Kind::Haproxy { binary } | Kind::Gate { binary, .. } => Command::new(binary),
            Kind::Counted { valgrind, .. } => Command::new(valgrind),
        };
        // The caller's environment would set this and that.
        command.env_clear().envs(POLICY.map(|name| (name, "1")));
        command.env("SOCKET_PATH", daemon).env("LISTEN", listen.to_string());
        match self {
            Kind::Straight => {}
            Kind::Copier => {
                command.arg("copier").arg(listen.to_string()).arg(daemon);
            }
            Kind::Haproxy { .. } => {
                command.args(["-db", "-f", HAPROXY_RULES]);
            }
            Kind::Gate { settings, .. } => {
                command.envs(settings.iter().cloned());
            }
            Kind::Counted { binary, settings, log, .. } => {
                // Only the sum is wanted, and the gate gives up the right to write elsewhere.
                command.args(["--tool=callgrind", "--vgdb=no", "--callgrind-out-file=/dev/null"]);
                command.arg(format!("--log-file={}", log.display())).arg(binary);
                command.envs(settings.iter().cloned());
            }
        }
        Ok(Some(command))
    }

    /// How long it may take to start, and to end.
    fn patience(&self) -> (Duration, Duration) {
        match self {
            Kind::Straight | Kind::Copier | Kind::Haproxy { .. } | Kind::Gate { .. } => {
                (START_PATIENCE, END_PATIENCE)
            }
            Kind::Counted { .. } => (COUNTED_PATIENCE, COUNTED_PATIENCE),
        }
    }
}

/// One of those that are compared, running.
pub struct Peer {
    /// How clients reach it.
    pub address: SockAddr,
    process: Option<Process>,
}

impl Peer {
    /// Starts it, and says how long it took until it gave its first answer.
    pub fn start(kind: &Kind, daemon: &Path) -> Result<(Self, Duration), Failure> {
        let listen = free_address()?;
        let begin = Instant::now();
        let Some(mut command) = kind.command(daemon, listen)? else {
            let peer = Self { address: SockAddr::unix(daemon)?, process: None };
            return Ok((peer, Duration::ZERO));
        };
        let (to_start, to_end) = kind.patience();
        let process = Some(Process::start(&mut command, to_end)?);
        let peer = Self { address: listen.into(), process };
        wait_for_an_answer(&peer.address, to_start)?;
        Ok((peer, begin.elapsed()))
    }

    /// None where there is nothing between client and daemon.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }
}

/// The stand-in daemon, in a folder that goes with it.
pub struct Daemon {
    folder: PathBuf,
    _process: Process,
}

impl Daemon {
    pub fn start() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("dockgate-peers-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let mut command = Command::new(env::current_exe()?);
        command.arg("daemon").arg(folder.join("daemon.sock"));
        let started = Process::start(&mut command, END_PATIENCE);
        let process = started.inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        let daemon = Self { folder, _process: process };
        wait_for_an_answer(&SockAddr::unix(daemon.socket())?, START_PATIENCE)?;
        Ok(daemon)
    }

    pub fn socket(&self) -> PathBuf {
        self.file("daemon.sock")
    }

    /// A place for a file that goes with the daemon.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A process, ended when dropped.
pub struct Process {
    child: Child,
    /// How long it may take to end by itself.
    patience: Duration,
}

impl Process {
    fn start(command: &mut Command, patience: Duration) -> Result<Self, Failure> {
        // Everybody logs as by default, to nobody.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child: spawn(command)?, patience })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The time that its threads have been running, to the nanosecond; `times` counts in ticks.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            let spent = fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Its memory in use.
    pub fn resident_kib(&self) -> Result<u32, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.id().cast_signed()), Signal::SIGTERM);
        let begin = Instant::now();
        while begin.elapsed() < self.patience {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it with no signal held back, whatever is held back here.
pub fn spawn(command: &mut Command) -> Result<Child, Failure> {
    let held = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = command.spawn();
    held.thread_set_mask()?;
    let name = command.get_program().to_string_lossy();
    spawned.map_err(|error| format!("cannot start {name}: {error}").into())
}

/// A place on the loopback that nobody has at the moment.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for_an_answer(address: &SockAddr, patience: Duration) -> Result<(), Failure> {
    let begin = Instant::now();
    loop {
        match Client::connect(address).and_then(|mut client| client.ask(PING)) {
            Ok(_) => return Ok(()),
            Err(failure) if begin.elapsed() > patience => {
                return Err(format!("it does not start to answer: {failure}").into());
            }
            Err(_) => thread::sleep(Duration::from_micros(100)),
        }
    }
}

/// Where the program is, if it is.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian has daemons where only root looks.
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
