//! One connected stream socket, TCP or unix, non-blocking, with what a relay has to know beside
//! its bytes: a peer's half-close, and its being wholly gone while nothing is read.
//!
//! Everything is a `poll_` function, so that one task drives both directions of a connection and
//! waits for all that may happen without allocating. What is pending wakes the task that asked.

use super::pipe::Pipe;
use crate::event::{Interest, Source};
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::sys::socket::{self, MsgFlags, Shutdown, SockaddrStorage};
use std::cell::OnceCell;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::task::Poll;

/// Pages are moved where they can be, and nobody waits.
const SPLICE: SpliceFFlags = SpliceFFlags::SPLICE_F_MOVE.union(SpliceFFlags::SPLICE_F_NONBLOCK);

/// How a peer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It sends no more, but may still read.
    Half,
    /// It neither sends nor reads any more.
    Gone,
}

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    source: Source,
    /// Bytes have come that nobody has asked for yet; until then its end can't be seen.
    unread: bool,
    /// The peer's name, once it has been shown.
    name: OnceCell<Box<str>>,
}

impl Socket {
    /// Takes a connected, non-blocking socket.
    ///
    /// # Errors
    /// It can't be registered with this thread's event loop.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            source: Source::new(fd, Interest::Stream)?,
            unread: false,
            name: OnceCell::new(),
        })
    }

    /// Takes one that has just been accepted: most clients have spoken by then.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn accepted(fd: OwnedFd) -> io::Result<Self> {
        let socket = Self::new(fd)?;
        socket.source.set_readable();
        Ok(socket)
    }

    /// Reads into `room`, which is not empty; 0 is the peer's end.
    pub fn poll_recv(&mut self, room: &mut [u8]) -> Poll<io::Result<usize>> {
        while self.source.is_readable() {
            match socket::recv(self.raw(), room, MsgFlags::empty()) {
                Ok(count) => {
                    // Less than asked for: the queue is empty, and the next read would only say so.
                    if count < room.len() {
                        self.source.set_unreadable();
                    }
                    self.unread = false;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::EAGAIN) => {
                    self.source.set_unreadable();
                    break;
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
        Poll::Pending
    }

    /// Writes some of `bytes`.
    pub fn poll_send(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        while !self.source.is_full() {
            match socket::send(self.raw(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => self.source.set_full()?,
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
        Poll::Pending
    }

    /// Moves up to `most` bytes into a pipe (splice(2)); 0 is the peer's end. Where bytes are in the
    /// pipe already, this is pending also while it has no room.
    pub fn poll_splice_in(&mut self, pipe: &mut Pipe, most: usize) -> Poll<Result<usize, Errno>> {
        while self.source.is_readable() {
            match pipe.fill(|end| splice(&self.source, None, end, None, most, SPLICE)) {
                Ok(count) => {
                    self.unread = false;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::EAGAIN) => {
                    // Of an empty pipe and a socket it is the socket that can't go on.
                    if pipe.held() == 0 {
                        self.source.set_unreadable();
                    }
                    break;
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Poll::Ready(Err(errno)),
            }
        }
        Poll::Pending
    }

    /// Moves bytes out of a pipe (splice(2)).
    pub fn poll_splice_out(&mut self, pipe: &mut Pipe) -> Poll<Result<usize, Errno>> {
        while !self.source.is_full() {
            match pipe.drain(|end, held| splice(end, None, &self.source, None, held, SPLICE)) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    if self.source.set_full().is_err() {
                        return Poll::Ready(Err(Errno::EPIPE));
                    }
                }
                Err(errno) => return Poll::Ready(Err(errno)),
            }
        }
        Poll::Pending
    }

    /// Waits until the peer sends no more, without reading. Bytes that come instead are left
    /// where they are; see [`Self::has_unread`].
    pub fn poll_ended(&mut self) -> Poll<Ended> {
        if self.poll_gone().is_ready() {
            return Poll::Ready(Ended::Gone);
        }
        while !self.unread && self.source.is_readable() {
            match socket::recv(self.raw(), &mut [0], MsgFlags::MSG_PEEK) {
                Ok(0) => return Poll::Ready(Ended::Half),
                Ok(_) => self.unread = true,
                Err(Errno::EAGAIN) => {
                    self.source.set_unreadable();
                    break;
                }
                Err(Errno::EINTR) => {}
                Err(_) => return Poll::Ready(Ended::Gone),
            }
        }
        Poll::Pending
    }

    /// Waits until the peer neither sends nor reads: a reset, or a unix socket closed.
    pub fn poll_gone(&mut self) -> Poll<()> {
        if self.source.is_gone() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until the peer has reset the connection: nothing it sent before is worth reading.
    pub fn poll_reset(&mut self) -> Poll<()> {
        if self.poll_gone().is_pending() {
            return Poll::Pending;
        }
        match socket::getsockopt(&self.source, socket::sockopt::SocketError) {
            Ok(0) => Poll::Pending,
            Ok(_) | Err(_) => Poll::Ready(()),
        }
    }

    /// Whether [`Self::poll_ended`] has found bytes instead of an end.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        self.unread
    }

    /// Whether bytes have come that nobody has read, asking the kernel where that is not known.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.unread
            || socket::recv(self.raw(), &mut [0], MsgFlags::MSG_PEEK).is_ok_and(|count| count > 0)
    }

    /// Tells the peer that no more comes (`shutdown(2)`, `SHUT_WR`).
    pub fn end(&mut self) {
        // It fails where the peer is gone, and then there is nobody to tell.
        let _ = socket::shutdown(self.raw(), Shutdown::Write);
    }

    fn raw(&self) -> RawFd {
        self.source.as_fd().as_raw_fd()
    }

    fn look_up(&self) -> String {
        match socket::getsockopt(&self.source, socket::sockopt::PeerCredentials) {
            Ok(peer) if peer.pid() != 0 => return format!("pid {} uid {}", peer.pid(), peer.uid()),
            Ok(_) | Err(_) => {}
        }
        match socket::getpeername::<SockaddrStorage>(self.raw()) {
            Ok(address) => address.to_string(),
            // It is gone already.
            Err(_) => "-".to_owned(),
        }
    }

    /// Who is at the other side, looked up only when it is shown, and once.
    #[must_use]
    pub fn peer(&self) -> Peer<'_> {
        Peer(self)
    }
}

/// The other side of a socket, as the log shows it: an address, or a local process
/// (`SO_PEERCRED`, socket(7)).
#[derive(Clone, Copy, Debug)]
pub struct Peer<'s>(&'s Socket);

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name.get_or_init(|| self.0.look_up().into()))
    }
}
