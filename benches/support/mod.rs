//! The gate's binary in front of a stand-in daemon.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// A connection, whatever its kind.
pub trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// A stand-in daemon: `answer` has each connection to itself, on a thread of its own.
pub fn serve(listener: UnixListener, answer: fn(UnixStream) -> io::Result<()>) {
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that leaves is the end of its thread, and no failure.
            thread::spawn(move || drop(answer(connection)));
        }
    });
}

/// The gate's binary in front of the stand-in, ended when dropped.
pub struct Gate {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Gate {
    /// Starts it; `stand_in` is given the daemon's socket to serve.
    pub fn start(stand_in: impl FnOnce(UnixListener)) -> Self {
        Self::start_with(&[], stand_in)
    }

    /// Starts it with further settings.
    pub fn start_with(settings: &[(&str, &str)], stand_in: impl FnOnce(UnixListener)) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("dockgate-bench-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        stand_in(UnixListener::bind(folder.join("daemon.sock")).expect("a socket"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_dockgate"))
            .env("SOCKET_PATH", folder.join("daemon.sock"))
            .env("LISTEN", format!("127.0.0.1:0,unix://{}", folder.join("gate.sock").display()))
            .env("CONTAINERS", "1")
            .env("IMAGES", "1")
            .env("POST", "1")
            .env("LOG_LEVEL", "info")
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gate starts");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("Listening on ")?.1.to_owned()))
            .expect("its address");
        // Somebody has to read the log, or it blocks.
        thread::spawn(move || log.for_each(drop));
        Self { child, address, folder }
    }

    /// Straight to the stand-in.
    pub fn daemon(&self) -> Box<dyn Stream> {
        Box::new(UnixStream::connect(self.folder.join("daemon.sock")).expect("the stand-in"))
    }

    /// Through the gate's unix listener.
    pub fn unix(&self) -> Box<dyn Stream> {
        Box::new(UnixStream::connect(self.folder.join("gate.sock")).expect("the gate"))
    }

    /// Its memory in use, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Through the gate's TCP listener.
    pub fn tcp(&self) -> Box<dyn Stream> {
        let stream = TcpStream::connect(&self.address).expect("the gate");
        stream.set_nodelay(true).expect("an option");
        Box::new(stream)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
