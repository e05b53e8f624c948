//! One connected stream socket, TCP or unix, non-blocking, with what a relay has to know beside
//! its bytes: a peer's half-close, and its being wholly gone while nothing is read.
//!
//! Everything is a `poll_` function, so that one task drives both directions of a connection and
//! waits for all that may happen without allocating. What is pending wakes the task that asked.

use super::buffer::Buffer;
use super::pipe::Pipe;
use crate::observe::who::{Client, Who};
use crate::runtime::Readiness;
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::sys::socket::{self, MsgFlags, Shutdown, UnixAddr};
use socket2::SockRef;
use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::task::{Context, Poll, ready};

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
    readiness: Readiness,
    /// Bytes have come that nobody has asked for yet; until then its end can't be seen.
    unread: bool,
    /// Who the peer is, once somebody has asked.
    who: OnceCell<Box<Who>>,
}

impl Socket {
    /// Takes a connected, non-blocking socket.
    ///
    /// # Errors
    /// It can't be registered with this thread's runtime.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { readiness: Readiness::new(fd)?, unread: false, who: OnceCell::new() })
    }

    /// Takes one that has just been accepted: most clients have spoken by then.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn accepted(fd: OwnedFd) -> io::Result<Self> {
        let mut socket = Self::new(fd)?;
        socket.readiness.set_readable();
        Ok(socket)
    }

    /// Reads into `room`, which is not empty; 0 is the peer's end.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        while self.readiness.poll_readable(cx).is_ready() {
            match socket::recv(self.raw(), room, MsgFlags::empty()) {
                Ok(count) => {
                    // Less than asked for: the queue is empty, and the next read would only say so.
                    if count < room.len() {
                        self.readiness.clear_readable();
                    }
                    self.unread = false;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::EAGAIN) => self.readiness.clear_readable(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
        Poll::Pending
    }

    /// Reads into the room of `buffer`, which borrows none while there is nothing to read; 0 is the
    /// peer's end.
    pub fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<usize>> {
        ready!(self.readiness.poll_readable(cx));
        let count = ready!(self.poll_recv(cx, buffer.room()))?;
        buffer.fill(count);
        Poll::Ready(Ok(count))
    }

    /// Writes some of `bytes`.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        while self.readiness.poll_writable(cx).is_ready() {
            match socket::send(self.raw(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => self.readiness.clear_writable()?,
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
        Poll::Pending
    }

    /// Moves up to `most` bytes into a pipe (splice(2)); 0 is the peer's end. Where bytes are in the
    /// pipe already, this is pending also while it has no room.
    pub fn poll_splice_in(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        most: usize,
    ) -> Poll<Result<usize, Errno>> {
        while self.readiness.poll_readable(cx).is_ready() {
            match pipe.fill(|end| splice(&self.readiness, None, end, None, most, SPLICE)) {
                Ok(count) => {
                    self.unread = false;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::EAGAIN) => {
                    // Of an empty pipe and a socket it is the socket that can't go on.
                    if pipe.held() > 0 {
                        break;
                    }
                    self.readiness.clear_readable();
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Poll::Ready(Err(errno)),
            }
        }
        Poll::Pending
    }

    /// Moves bytes out of a pipe (splice(2)).
    pub fn poll_splice_out(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<Result<usize, Errno>> {
        while self.readiness.poll_writable(cx).is_ready() {
            match pipe.drain(|end, held| splice(end, None, &self.readiness, None, held, SPLICE)) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    if self.readiness.clear_writable().is_err() {
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
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if self.poll_gone(cx).is_ready() {
            return Poll::Ready(Ended::Gone);
        }
        while !self.unread && self.readiness.poll_readable(cx).is_ready() {
            match socket::recv(self.raw(), &mut [0], MsgFlags::MSG_PEEK) {
                Ok(0) => return Poll::Ready(Ended::Half),
                Ok(_) => self.unread = true,
                Err(Errno::EAGAIN) => self.readiness.clear_readable(),
                Err(Errno::EINTR) => {}
                Err(_) => return Poll::Ready(Ended::Gone),
            }
        }
        Poll::Pending
    }

    /// Waits until the peer neither sends nor reads: a reset, or a unix socket closed.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.readiness.poll_closed(cx)
    }

    /// Waits until the peer has reset the connection: nothing it sent before is worth reading.
    pub fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_gone(cx).is_pending() {
            return Poll::Pending;
        }
        match socket::getsockopt(&self.readiness, socket::sockopt::SocketError) {
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
        self.readiness.as_fd().as_raw_fd()
    }

    fn look_up(&self) -> Who {
        match socket::getsockopt(&self.readiness, socket::sockopt::PeerCredentials) {
            Ok(peer) if peer.pid() != 0 => {
                let own = socket::getsockname::<UnixAddr>(self.raw()).ok();
                let path = own.as_ref().and_then(UnixAddr::path);
                let listener =
                    path.map(|path| path.display().to_string()).unwrap_or_default().into();
                let (pid, uid, gid) = (peer.pid(), peer.uid(), peer.gid());
                return Who::Process { pid, uid, gid, listener };
            }
            Ok(_) | Err(_) => {}
        }
        let peer = SockRef::from(&self.readiness).peer_addr();
        match peer.ok().and_then(|address| address.as_socket()) {
            // Of a listener for both families IPv4 clients come as ::ffff:a.b.c.d.
            Some(address) => {
                Who::Address(SocketAddr::new(address.ip().to_canonical(), address.port()))
            }
            None => Who::Gone,
        }
    }
}

impl Client for Socket {
    /// Looked up when first asked for.
    fn who(&self) -> &Who {
        self.who.get_or_init(|| Box::new(self.look_up()))
    }
}
