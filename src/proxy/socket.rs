//! One connected stream socket, TCP or unix, non-blocking: what tokio's own types hide is needed
//! here, namely a peer's half-close and its being wholly gone while nothing is read.
//!
//! Everything is a `poll_` function, so that one task drives both directions of a connection and
//! waits for all that may happen without allocating.

use nix::errno::Errno;
use nix::sys::socket::{self, MsgFlags, Shutdown, SockaddrStorage};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};

/// How a peer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It sends no more, but may still read.
    Half,
    /// It neither sends nor reads any more.
    Gone,
}

/// Registers a descriptor with the current runtime's epoll instance.
pub(super) fn register(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned, so it is open; it is moved in and never replaced, so it
    // stays open for as long as it is registered.
    #[expect(unsafe_code, reason = "tokio can't see that an OwnedFd keeps its descriptor")]
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(registered?)
}

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    fd: AsyncFd<OwnedFd>,
    /// Bytes have come that nobody has asked for yet; until then its end can't be seen.
    unread: bool,
}

impl Socket {
    /// Takes a connected, non-blocking socket.
    ///
    /// # Errors
    /// It can't be registered with the runtime's epoll instance.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { fd: register(fd, Interest::READABLE | Interest::WRITABLE)?, unread: false })
    }

    /// Reads into `room`, which is not empty; 0 is the peer's end.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(cx))?;
            match socket::recv(self.fd.as_raw_fd(), room, MsgFlags::empty()) {
                Ok(count) => {
                    // Less than asked for: the queue is empty, and the next read would only say so.
                    if count < room.len() {
                        guard.clear_ready();
                    }
                    self.unread = false;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::EAGAIN) => guard.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
    }

    /// Writes some of `bytes`.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            // First, whatever is known of readiness: `poll_gone` may have cleared it.
            match socket::send(self.fd.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    ready!(self.fd.poll_write_ready(cx))?.clear_ready_matching(Ready::WRITABLE);
                }
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
    }

    /// Waits until the peer sends no more, without reading. Bytes that come instead are left
    /// where they are; see [`Self::has_unread`].
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if self.poll_gone(cx).is_ready() {
            return Poll::Ready(Ended::Gone);
        }
        while !self.unread {
            let Ok(mut guard) = ready!(self.fd.poll_read_ready(cx)) else {
                return Poll::Ready(Ended::Gone);
            };
            match socket::recv(self.fd.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK) {
                Ok(0) => return Poll::Ready(Ended::Half),
                Ok(_) => self.unread = true,
                Err(Errno::EAGAIN) => guard.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(_) => return Poll::Ready(Ended::Gone),
            }
        }
        Poll::Pending
    }

    /// Waits until the peer neither sends nor reads: a reset, or a unix socket closed.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Ok(mut guard) = ready!(self.fd.poll_write_ready(cx)) else {
                return Poll::Ready(());
            };
            if guard.ready().is_write_closed() {
                return Poll::Ready(());
            }
            guard.clear_ready_matching(Ready::WRITABLE);
        }
    }

    /// Waits until the peer has reset the connection: nothing it sent before is worth reading.
    pub fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_gone(cx));
        match socket::getsockopt(&self.fd.as_fd(), socket::sockopt::SocketError) {
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
            || socket::recv(self.fd.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK)
                .is_ok_and(|count| count > 0)
    }

    /// Tells the peer that no more comes (`shutdown(2)`, `SHUT_WR`).
    pub fn end(&mut self) {
        // It fails where the peer is gone, and then there is nobody to tell.
        let _ = socket::shutdown(self.fd.as_raw_fd(), Shutdown::Write);
    }

    /// Who is at the other side, looked up only when it is shown.
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
        let Self(Socket { fd, .. }) = self;
        match socket::getsockopt(&fd.as_fd(), socket::sockopt::PeerCredentials) {
            Ok(peer) if peer.pid() != 0 => {
                return write!(f, "pid {} uid {}", peer.pid(), peer.uid());
            }
            Ok(_) | Err(_) => {}
        }
        match socket::getpeername::<SockaddrStorage>(fd.as_raw_fd()) {
            Ok(address) => write!(f, "{address}"),
            // It is gone already.
            Err(_) => f.write_str("-"),
        }
    }
}
