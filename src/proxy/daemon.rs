//! The way to the daemon: connecting to its unix socket, and saying in words what is wrong where
//! that fails.

use super::socket::Socket;
use crate::runtime::sleep;
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// The longest head that a daemon may answer with, in bytes. Its real ones have a few hundred.
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Waits between attempts where the daemon may be about to come back: 0.75 s in all, so that its
/// restart is a delay and not an error.
const RETRY_AFTER: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
];

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub struct Daemon {
    path: PathBuf,
    address: UnixAddr,
    /// The socket's group and its name: files can't be read any more when they are told.
    group: Option<(u32, String)>,
    /// Notified when the socket is found stale.
    stale: Arc<Notify>,
}

/// Why the daemon can't be reached.
#[derive(Debug)]
pub struct Unreachable {
    /// 502 where it refuses us, 503 where it is not there.
    pub status: u16,
    /// What is wrong and what to do.
    pub message: String,
}

impl Daemon {
    /// The daemon whose unix socket is at `path`; nothing is opened yet.
    ///
    /// # Errors
    /// A path that is no socket address: empty, or longer than 107 bytes (unix(7)).
    pub fn at(path: &Path) -> io::Result<Self> {
        let group = fs::metadata(path).ok().map(|file| file.gid());
        Ok(Self {
            path: path.to_owned(),
            address: UnixAddr::new(path)?,
            group: group.and_then(|gid| Some((gid, group_name(gid)?))),
            stale: Arc::default(),
        })
    }

    /// Its socket's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connects, trying again for a moment where the daemon may be restarting.
    ///
    /// # Errors
    /// What stands in the way, in words.
    pub async fn connect(&self) -> Result<Socket, Unreachable> {
        match self.connect_once() {
            Ok(socket) => Ok(socket),
            Err(error) => Box::pin(self.connect_later(error)).await,
        }
    }

    /// Tries again for a moment, where that may help.
    async fn connect_later(&self, mut error: Errno) -> Result<Socket, Unreachable> {
        for wait in RETRY_AFTER {
            if !matches!(error, Errno::ENOENT | Errno::ECONNREFUSED | Errno::EAGAIN) {
                break;
            }
            sleep(wait).await;
            match self.connect_once() {
                Ok(socket) => return Ok(socket),
                Err(again) => error = again,
            }
        }
        Err(self.unreachable(error))
    }

    /// Connects, or does not: whoever waits can try again.
    ///
    /// # Errors
    /// What stands in the way, in words.
    pub fn connect_at_once(&self) -> Result<Socket, Unreachable> {
        self.connect_once().map_err(|error| self.unreachable(error))
    }

    fn connect_once(&self) -> Result<Socket, Errno> {
        let registered = Socket::new(self.open()?);
        registered.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
    }

    fn open(&self) -> Result<OwnedFd, Errno> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let fd = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        socket::connect(fd.as_raw_fd(), &self.address)?;
        Ok(fd)
    }

    fn unreachable(&self, error: Errno) -> Unreachable {
        let path = self.path.display();
        if error == Errno::ECONNREFUSED && self.is_stale() {
            self.stale.notify_one();
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "Errno is the kernel's, not ours")]
        let (status, why) = match error {
            Errno::EACCES | Errno::EPERM => (502, self.permission_denied()),
            Errno::ENOENT => (
                503,
                "no such file: is the daemon running, and is its socket mounted here?".to_owned(),
            ),
            Errno::ENOTSOCK | Errno::ECONNREFUSED if !self.is_socket() => (
                503,
                "this is not a socket (Docker makes a directory where the mounted file was missing): \
                 check the mount's source"
                    .to_owned(),
            ),
            Errno::ECONNREFUSED if self.is_stale() => (
                503,
                "the mounted socket is stale: the daemon was restarted and has made a new one. Restart this \
                 container, or mount the socket's directory instead of the file (EXIT_ON_STALE_SOCKET=1 ends \
                 dockgate then, so that it is restarted)"
                    .to_owned(),
            ),
            Errno::ECONNREFUSED => (
                503,
                "connection refused: the daemon is not running, or it was restarted and this is its old \
                 socket file (restart this container, or mount the socket's directory instead of the file)"
                    .to_owned(),
            ),
            Errno::EAGAIN => (
                503,
                "the daemon does not accept connections and its queue is full: it hangs, or has too many \
                 clients; see its own log"
                    .to_owned(),
            ),
            Errno::EMFILE => (
                503,
                "dockgate has as many files open as it may: raise its limit (ulimit -n)".to_owned(),
            ),
            Errno::ENFILE => (
                503,
                "this machine has as many files open as it may: raise sysctl fs.file-max".to_owned(),
            ),
            error => (503, error.desc().to_owned()),
        };
        Unreachable { status, message: format!("cannot connect to Docker daemon at {path}: {why}") }
    }

    fn name_of(&self, gid: u32) -> Option<&str> {
        self.group.as_ref().filter(|(known, _)| *known == gid).map(|(_, name)| name.as_str())
    }

    /// Waits until the socket is found to belong to a daemon that is gone for good. For one task.
    pub async fn stale(&self) {
        self.stale.notified().await;
    }

    /// Whether the socket is a file that has no name any more: it is mounted here, and the daemon
    /// that made it has been ended and its file removed. A new daemon has another file.
    fn is_stale(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| file.file_type().is_socket() && file.nlink() == 0)
    }

    fn is_socket(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| file.file_type().is_socket())
    }

    /// Whose the socket is, who we are, and what would bring the two together.
    fn permission_denied(&self) -> String {
        let mut text = "permission denied".to_owned();
        if let Ok(file) = fs::metadata(&self.path) {
            let (uid, gid) = (file.uid(), file.gid());
            // A String takes whatever is written to it.
            let _ = write!(
                text,
                ": it belongs to user {uid}, group {gid}{}, mode {:04o}, and dockgate runs as user {}, group {}; \
                 start it as root, or with group {gid} (compose: user: \"65534:{gid}\")",
                self.name_of(gid).map(|name| format!(" ({name})")).unwrap_or_default(),
                file.mode() & 0o7777,
                nix::unistd::geteuid(),
                nix::unistd::getegid(),
            );
        } else {
            text.push_str(": its directory can't be searched by the user dockgate runs as");
        }
        text
    }
}

/// A group's name, from the file itself: libc's look-up loads plug-ins that a static binary has not.
fn group_name(gid: u32) -> Option<String> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == gid.to_string()).then(|| name.to_owned())
    })
}
