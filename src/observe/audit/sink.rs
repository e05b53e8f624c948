//! Where the trail goes: a file, standard error, or a unix socket. What was opened at the start is
//! all there is: a file is appended to for ever, a socket is connected to again.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};

/// A syslog line begins so (RFC 3164): authpriv (10), notice (5).
const SYSLOG: &[u8] = b"<85>dockgate: ";

/// Nobody but its owner reads a trail that we make.
const MODE: u32 = 0o600;

/// What `AUDIT_LOG` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard error, beside the log.
    Stderr,
    /// A file, or a named pipe.
    File(PathBuf),
    /// A unix socket: of datagrams, such as /dev/log, or a stream.
    Unix(PathBuf),
}

impl Destination {
    /// Its path, where it has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Unix(path) => Some(path),
            Self::Stderr => None,
        }
    }

    /// The socket that has to be reached later too.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Stderr | Self::File(_) => None,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stderr => f.write_str("stderr"),
            Self::File(path) => path.display().fmt(f),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// What is written to.
#[derive(Debug)]
pub struct Sink {
    way: Way,
    /// The last line was not written to its end.
    is_torn: bool,
}

#[derive(Debug)]
enum Way {
    Stderr,
    File(File),
    /// `None` where whoever was there has gone.
    Socket(PathBuf, Option<Connection>),
}

#[derive(Debug)]
enum Connection {
    Datagram(UnixDatagram),
    Stream(UnixStream),
}

impl Sink {
    /// Opens it.
    ///
    /// # Errors
    /// Why it can't be, and what helps.
    pub fn open(to: &Destination) -> io::Result<Self> {
        let way = match to {
            Destination::Stderr => Ok(Way::Stderr),
            Destination::File(path) => open_file(path).map(Way::File),
            Destination::Unix(path) => {
                Connection::open(path).map(|one| Way::Socket(path.clone(), Some(one)))
            }
        };
        let way = way.map_err(|error| {
            let why = format!("AUDIT_LOG={to} can't be opened: {error}{}", cure(&error));
            io::Error::new(error.kind(), why)
        })?;
        Ok(Self { way, is_torn: false })
    }

    /// Writes a line, if need be to a socket that is connected to anew.
    ///
    /// # Errors
    /// It is not written, or not to its end.
    pub fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Stderr => write_line(&mut io::stderr().lock(), &mut self.is_torn, line),
            Way::File(file) => write_line(file, &mut self.is_torn, line),
            Way::Socket(path, connection) => {
                if connection.as_mut().is_some_and(|one| one.send(line).is_ok()) {
                    return Ok(());
                }
                *connection = None;
                let mut one = Connection::open(path)?;
                one.send(line)?;
                *connection = Some(one);
                Ok(())
            }
        }
    }
}

impl Connection {
    fn open(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        match socket.connect(path) {
            Ok(()) => Ok(Self::Datagram(socket)),
            // It is there, and of another type: unix(7).
            Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
                UnixStream::connect(path).map(Self::Stream)
            }
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagram(socket) => {
                let datagram = [SYSLOG, line.trim_ascii_end()].concat();
                patiently(|| socket.send(&datagram)).map(drop)
            }
            // A line that is torn ended with its connection.
            Self::Stream(socket) => write_line(socket, &mut false, line),
        }
    }
}

/// Appends to a file. Of a pipe it is not waited for a reader, but for its reading later on.
fn open_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(MODE)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    fcntl(&file, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(file)
}

/// Writes a line, after the end of the last one where that is missing.
fn write_line(out: &mut impl Write, is_torn: &mut bool, line: &[u8]) -> io::Result<()> {
    let closed;
    let mut rest = line;
    if *is_torn {
        closed = [b"\n", line].concat();
        rest = &closed;
    }
    while !rest.is_empty() {
        match patiently(|| out.write(rest))? {
            0 => return Err(ErrorKind::WriteZero.into()),
            count => {
                *is_torn = true;
                rest = &rest[count..];
            }
        }
    }
    *is_torn = false;
    Ok(())
}

fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// What to do about it.
fn cure(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENOENT) => "; mount its directory, or make it",
        Some(libc::EACCES | libc::EPERM) => {
            "; let the user that dockgate is started as write there"
        }
        Some(libc::EROFS) => "; mount a volume there that can be written to",
        Some(libc::EISDIR) => "; name a file in that directory",
        Some(libc::ENXIO) => "; nobody reads that pipe: start its reader first",
        Some(libc::ECONNREFUSED) => "; nobody listens there: start what receives the records first",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then none.
    struct Disk {
        room: usize,
        written: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room).min(3);
            self.room -= count;
            self.written.extend_from_slice(&bytes[..count]);
            if count == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_torn_line_is_closed_before_the_next() {
        let mut disk = Disk { room: 13, written: Vec::new() };
        let mut is_torn = false;
        assert!(write_line(&mut disk, &mut is_torn, b"{\"a\":1}\n").is_ok());
        assert!(write_line(&mut disk, &mut is_torn, b"{\"b\":2}\n").is_err());
        assert!(write_line(&mut disk, &mut is_torn, b"{\"c\":3}\n").is_err());
        disk.room = 100;
        assert!(write_line(&mut disk, &mut is_torn, b"{\"d\":4}\n").is_ok());
        assert_eq!(disk.written, b"{\"a\":1}\n{\"b\":\n{\"d\":4}\n");
    }
}
