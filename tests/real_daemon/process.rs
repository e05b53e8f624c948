//! Runs the programs that the trials need. Each is bounded in time, has a process group of its own and is ended by its
//! id; a program that hangs is a failed trial, never a suite that hangs.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Far above what any command here takes: it detects a hang, it measures nothing.
pub const HANG: Duration = Duration::from_secs(60);

/// How a program ended and what it said.
pub struct Finished {
    /// `None`: ended by a signal.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Finished {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Runs `command` to its end, with nothing on its standard input.
pub fn run(command: &mut Command) -> io::Result<Finished> {
    run_within(command, HANG)
}

/// The same for what may take longer, or is known to take less.
pub fn run_within(command: &mut Command, limit: Duration) -> io::Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let ended = wait(&mut child, limit);
    // Whatever it left behind in the background would hold the pipes open.
    signal_group(&child, "KILL");
    let status = match ended {
        Ok(status) => status,
        Err(error) => {
            child.wait()?;
            let said = [stdout, stderr].map(joined);
            let said = said.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            return Err(io::Error::new(
                error.kind(),
                format!("{command:?}: {error}; it had said {said:?}"),
            ));
        }
    };
    Ok(Finished { code: status.code(), stdout: joined(stdout), stderr: joined(stderr) })
}

/// Waits until `child` has ended, `limit` at most.
pub fn wait(child: &mut Child, limit: Duration) -> io::Result<std::process::ExitStatus> {
    let mut status = None;
    eventually(limit, || {
        status = child.try_wait()?;
        Ok(status.is_some())
    })?;
    status.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))
}

/// Asks until the answer is yes; an error after `limit`.
pub fn eventually(limit: Duration, mut is_so: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    let end = Instant::now() + limit;
    while !is_so()? {
        if Instant::now() > end {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("not within {limit:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Sends a signal to a child that has not been waited for, so that its id cannot be anybody else's.
pub fn signal(child: &Child, name: &str) {
    kill(name, &child.id().to_string());
}

fn signal_group(leader: &Child, name: &str) {
    kill(name, &format!("-{}", leader.id()));
}

fn kill(name: &str, target: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", r#"kill -s "$0" -- "$1" 2>/dev/null"#, name, target]);
    // An error means that it has ended already, which is what was wanted.
    let _ = command.status();
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn joined(reader: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    reader.and_then(|thread| thread.join().ok()).unwrap_or_default()
}
