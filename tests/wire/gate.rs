//! The program under test: started with nothing but the given environment, its log in a file,
//! ended by its own process number.

use super::peer::{PATIENCE, Peer};
use super::stand_in::{FORBIDDEN, StandIn};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_dockgate");

/// Most of the API is open; `/volumes` never is.
pub const OPEN: &[(&str, &str)] = match STREAMS {
    [open @ .., _existing] => open,
    [] => &[],
};

/// Added to a policy: the engine has every fix, so that what it is need not be asked.
pub const FIXED: (&str, &str) = ("ENGINE_FIXED", "*");

/// The same as [`OPEN`], for tests about streams: the containers that they are of are not asked about
/// first.
pub const STREAMS: &[(&str, &str)] = &[
    ("CONTAINERS", "1"),
    ("IMAGES", "1"),
    ("EXEC", "1"),
    ("BUILD", "1"),
    ("SESSION", "1"),
    ("GRPC", "1"),
    ("POST", "1"),
    ("ALLOW_EXISTING", "1"),
];

/// A directory of one test's own, with what is in it removed in the end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dockgate-wire-{}-{}", process::id(), COUNT.fetch_add(1, Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the daemon's socket is, or should be.
    pub fn daemon(&self) -> PathBuf {
        self.path("daemon.sock")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Names the relay (`RELAY`) that the whole suite is run with where a test does not say.
const RELAY: &str = "DOCKGATE_TEST_RELAY";

/// A running gate.
pub struct Gate {
    child: Child,
    port: u16,
    pub dir: Dir,
}

/// A gate with a stand-in daemon behind it.
pub fn start(variables: &[(&str, &str)]) -> (Gate, StandIn) {
    start_in(Dir::new(), variables)
}

/// The same in a directory that is already there.
pub fn start_in(dir: Dir, variables: &[(&str, &str)]) -> (Gate, StandIn) {
    let daemon = StandIn::at(&dir.daemon());
    let gate = Gate::start(dir, variables);
    daemon.expect_probe();
    (gate, daemon)
}

impl Gate {
    /// Starts the program and waits until it listens.
    pub fn start(dir: Dir, variables: &[(&str, &str)]) -> Self {
        Self::spawn(Command::new(PROGRAM), dir, variables)
    }

    /// Starts it where no more than so many files may be open.
    pub fn start_with_file_limit(dir: Dir, variables: &[(&str, &str)], files: u32) -> Self {
        Self::start_with_limit(dir, variables, &format!("-n {files}"))
    }

    /// Starts it where its data may have no more than so many KiB (getrlimit(2), `RLIMIT_DATA`).
    pub fn start_with_memory_limit(dir: Dir, variables: &[(&str, &str)], kib: usize) -> Self {
        Self::start_with_limit(dir, variables, &format!("-d {kib}"))
    }

    /// Starts it where it finds itself in the container of that id: in a mount namespace of its own,
    /// with a file mounted from a directory of that name, as engines do. It takes root.
    pub fn start_in_container(dir: Dir, variables: &[(&str, &str)], id: &str) -> Self {
        let files = dir.path(id);
        fs::create_dir(&files).expect("a directory");
        fs::write(files.join("hostname"), "gate\n").expect("a file");
        let script = format!(
            "/bin/mount --bind '{}' /etc/hostname && exec \"$0\"",
            files.join("hostname").display()
        );
        let mut unshare = Command::new("/usr/bin/unshare");
        // The process keeps its number.
        unshare.args(["--mount", "/bin/sh", "-c", &script, PROGRAM]);
        Self::spawn(unshare, dir, variables)
    }

    fn start_with_limit(dir: Dir, variables: &[(&str, &str)], limit: &str) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("ulimit {limit} && exec \"$0\""), PROGRAM]);
        Self::spawn(shell, dir, variables)
    }

    /// Starts it where it says nothing of its start, and waits until this unix socket answers.
    pub fn start_in_silence(dir: Dir, variables: &[(&str, &str)], path: &Path) -> Self {
        let gate = Self::start_anyhow(dir, variables);
        wait_until("its socket", || UnixStream::connect(path).is_ok());
        gate
    }

    /// Starts it, whatever may come of that.
    pub fn start_anyhow(dir: Dir, variables: &[(&str, &str)]) -> Self {
        Self::spawn_unready(Command::new(PROGRAM), dir, variables)
    }

    /// Starts it with this as its standard error, and waits until its unix socket answers.
    pub fn start_with_log(dir: Dir, variables: &[(&str, &str)], log: OwnedFd, path: &Path) -> Self {
        File::create(dir.path("log")).expect("a log");
        let mut command = Command::new(PROGRAM);
        let child = environment(&mut command, &dir, variables).stderr(log).spawn();
        let gate = Self { child: child.expect("the gate starts"), port: 0, dir };
        wait_until("its socket", || UnixStream::connect(path).is_ok());
        gate
    }

    /// Starts it as a service manager does that hands these over as descriptors 3 and 4 to the
    /// process `pid` (`$$`: to this one; the shell keeps its number when it becomes the program).
    pub fn start_activated(
        dir: Dir,
        variables: &[(&str, &str)],
        handed: [OwnedFd; 2],
        pid: &str,
    ) -> Self {
        let script = format!(
            "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_PID={pid} LISTEN_FDS=2 exec \"$0\""
        );
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script, PROGRAM]);
        let [third, fourth] = handed;
        Self::spawn_with(shell, dir, variables, third.into(), fourth.into())
    }

    fn spawn(command: Command, dir: Dir, variables: &[(&str, &str)]) -> Self {
        let mut gate = Self::spawn_unready(command, dir, variables);
        gate.wait_until_it_serves();
        gate
    }

    /// Waits until it listens, and sees where.
    #[track_caller]
    pub fn wait_until_it_serves(&mut self) {
        self.wait_for_log("Filtering Docker API requests");
        self.port = port_in(&self.log());
    }

    fn spawn_unready(command: Command, dir: Dir, variables: &[(&str, &str)]) -> Self {
        Self::spawn_with(command, dir, variables, Stdio::null(), Stdio::null())
    }

    fn spawn_with(
        mut command: Command,
        dir: Dir,
        variables: &[(&str, &str)],
        stdin: Stdio,
        stdout: Stdio,
    ) -> Self {
        let log = File::create(dir.path("log")).expect("a log");
        let child = environment(&mut command, &dir, variables)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(log)
            .spawn()
            .expect("the gate starts");
        Self { child, port: 0, dir }
    }

    /// A new client on the TCP port.
    #[track_caller]
    pub fn client(&self) -> Peer {
        Peer::new(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("connected"))
    }

    /// A new client from an address that nobody else has. The networks of 254 in a row differ: the log
    /// does not fold its refusals with those of others, and it shares nothing with them.
    #[track_caller]
    pub fn stranger(&self) -> Peer {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // 127.0 is everybody's.
        self.client_from(stranger_address(COUNT.fetch_add(1, Relaxed)))
    }

    /// A new client from this address of the loopback network.
    #[track_caller]
    pub fn client_from(&self, address: [u8; 4]) -> Peer {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((address, 0)).into()).expect("bound");
        let gate = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        socket.connect(&gate.into()).expect("connected");
        Peer::new(socket)
    }

    /// A new client on a unix socket.
    #[track_caller]
    pub fn unix_client(path: &Path) -> Peer {
        Peer::new(UnixStream::connect(path).expect("connected"))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has logged so far. Whatever it has said by now is in it: the thread that writes is woken
    /// before anybody is answered, rests for a millisecond, and waits only when it has written all.
    #[track_caller]
    pub fn log(&self) -> String {
        thread::sleep(Duration::from_millis(2));
        wait_until("its log", || {
            let tasks = fs::read_dir(self.proc("task"));
            let tasks = tasks.into_iter().flatten().flatten();
            let mut states =
                tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
            !states.any(|state| state.contains(" (log) R"))
        });
        fs::read_to_string(self.dir.path("log")).expect("a log")
    }

    /// How much it has logged so far.
    pub fn log_bytes(&self) -> u64 {
        fs::metadata(self.dir.path("log")).expect("a log").len()
    }

    /// Waits until the log has these words.
    #[track_caller]
    pub fn wait_for_log(&mut self, words: &str) {
        wait_until(words, || {
            if let Some(status) = self.child.try_wait().expect("its state") {
                panic!("the gate has ended ({status}): {}", self.log());
            }
            self.log().contains(words)
        });
    }

    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, by name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("kill runs").success());
    }

    /// The file limit that leaves room for so many descriptors more: each takes the lowest number that
    /// is free, and it may have inherited some from whoever runs the tests.
    pub fn file_limit_with_room_for(&self, count: usize) -> u32 {
        let open = fs::read_dir(self.proc("fd")).expect("its files").flatten();
        let taken: Vec<u32> =
            open.filter_map(|file| file.file_name().to_str()?.parse().ok()).collect();
        let mut free = (0..).filter(|number| !taken.contains(number));
        free.nth(count).expect("a number")
    }

    /// Waits until it has so many descriptors open.
    #[track_caller]
    pub fn expect_all_files(&self, files: usize) {
        wait_until("descriptors to be closed", || self.all_files() == files);
    }

    /// How many descriptors it has open, pipes' ends included.
    pub fn all_files(&self) -> usize {
        self.descriptors().count()
    }

    /// Waits until the process has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the gate's end", || {
            status = self.child.try_wait().expect("its state");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// How many files it has open, not counting pipes: those it keeps from one upload to the next.
    pub fn files(&self) -> usize {
        self.descriptors().filter(|link| !is_pipe(link)).count()
    }

    /// How many pipes it has open.
    pub fn pipes(&self) -> usize {
        self.descriptors().filter(|link| is_pipe(link)).count() / 2
    }

    /// What its descriptors stand for.
    fn descriptors(&self) -> impl Iterator<Item = PathBuf> {
        let open = fs::read_dir(self.proc("fd")).expect("its files");
        // One may be closed while it is looked at.
        open.flatten().filter_map(|file| fs::read_link(file.path()).ok())
    }

    /// How many it has open when nobody is connected. `client` is new and the only one: that it is
    /// answered shows that the gate has opened all that it needs for itself.
    #[track_caller]
    pub fn files_without(&self, client: Peer) -> usize {
        client.send(FORBIDDEN);
        assert_eq!(client.answer().status, 403);
        let files = self.files() - 1;
        drop(client);
        self.expect_files(files);
        files
    }

    /// Waits until it has no more than so many files open.
    #[track_caller]
    pub fn expect_files(&self, files: usize) {
        wait_until("files to be closed", || self.files() == files);
    }

    /// How much memory it occupies.
    pub fn resident_bytes(&self) -> usize {
        self.memory("VmRSS:")
    }

    /// The most memory it has ever occupied.
    pub fn peak_bytes(&self) -> usize {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> usize {
        let status = fs::read_to_string(self.proc("status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a size");
        number.parse::<usize>().expect("a number") * 1024
    }

    /// The processor time it has used, in the kernel's ticks of 10 ms.
    pub fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(self.proc("stat")).expect("its times");
        // utime and stime are the 14th and 15th field; the 2nd, in brackets, may hold blanks.
        let (_, fields) = stat.rsplit_once(") ").expect("fields");
        fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum()
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        if thread::panicking() {
            eprintln!("the gate's log:\n{log}");
        } else {
            // The runtime catches a panic, so that nothing else might show it.
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

/// Nothing but this.
fn environment<'c>(
    command: &'c mut Command,
    dir: &Dir,
    variables: &[(&str, &str)],
) -> &'c mut Command {
    command
        .env_clear()
        .env("LISTEN", "127.0.0.1:0")
        .env("SOCKET_PATH", dir.daemon())
        .envs(env::var_os(RELAY).map(|relay| ("RELAY", relay)))
        .envs(variables.iter().copied())
}

/// The address of the stranger with this number: 254 networks of 16 bits come round.
fn stranger_address(number: u32) -> [u8; 4] {
    const NETWORKS: u32 = 254;
    let [.., high, low] = (number / NETWORKS).to_be_bytes();
    let network = u8::try_from(1 + number % NETWORKS).expect("a byte");
    [127, network, high, low]
}

#[test]
fn strangers_in_a_row_share_no_network() {
    let addresses: Vec<_> = (0..2000).map(stranger_address).collect();
    for row in addresses.windows(254) {
        let networks: BTreeSet<u8> = row.iter().map(|[_, network, ..]| *network).collect();
        assert_eq!(networks.len(), row.len(), "{row:?}");
        assert!(!networks.contains(&0));
    }
    assert_eq!(addresses.iter().collect::<BTreeSet<_>>().len(), addresses.len());
}

fn is_pipe(link: &Path) -> bool {
    link.to_string_lossy().starts_with("pipe:")
}

/// Waits for something that is about to be true.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The first TCP port in the log; 0 where it listens on unix sockets only.
fn port_in(log: &str) -> u16 {
    log.lines()
        .filter_map(|line| line.split_once("Listening on "))
        .find_map(|(_, place)| {
            // In JSON the line goes on.
            let place = place.split('"').next()?;
            let place = place.strip_suffix(" (every address)").unwrap_or(place);
            place.rsplit([':', ' ']).next()?.parse().ok()
        })
        .unwrap_or(0)
}
