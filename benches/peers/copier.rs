//! The floor: joins each TCP client to a connection of its own to the daemon, copies bytes both
//! ways and reads none of them. One thread, edge-triggered epoll, one buffer for all: what any
//! user-space proxy has to pay that does not splice.

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::path::Path;

const BUFFER_BYTES: usize = 64 << 10;
const EVENTS_MAX: usize = 256;
const BACKLOG: i32 = 4096;

/// Said with each call, it spares the two that would make a socket non-blocking.
const AT_ONCE: MsgFlags = MsgFlags::MSG_DONTWAIT;

/// What epoll says of the listener; pairs are numbered from 0.
const LISTENER: u64 = u64::MAX;

/// Two sockets, the client's first, and what goes from each of them to the other.
struct Pair {
    ends: [Socket; 2],
    ways: [Way; 2],
}

#[derive(Default)]
struct Way {
    /// Read, and not yet written: the other end is full.
    pending: Vec<u8>,
    /// Its source has said that it ends: it is read until it does.
    closing: bool,
    ended: bool,
}

/// Serves until it is ended.
pub fn serve(listen: SocketAddr, daemon: &Path) -> io::Result<()> {
    let listener = Socket::new(Domain::for_address(listen), Type::STREAM, None)?;
    listener.set_reuse_address(true)?;
    listener.bind(&listen.into())?;
    listener.listen(BACKLOG)?;
    let mut copier = Copier {
        epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        daemon: SockAddr::unix(daemon)?,
        pairs: Vec::new(),
        free: Vec::new(),
        buffer: vec![0; BUFFER_BYTES],
    };
    copier.epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut events = [EpollEvent::empty(); EVENTS_MAX];
    loop {
        let count = match copier.epoll.wait(&mut events, EpollTimeout::NONE) {
            // A tracer has come or gone.
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        for event in &events[..count] {
            if event.data() == LISTENER {
                let (client, _) = listener.accept()?;
                // A daemon that is gone costs the client its connection, not everybody.
                let _ = copier.join(client);
            } else {
                copier.turn(event.data(), event.events());
            }
        }
    }
}

struct Copier {
    epoll: Epoll,
    daemon: SockAddr,
    pairs: Vec<Option<Pair>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

impl Copier {
    fn join(&mut self, client: Socket) -> io::Result<()> {
        client.set_tcp_nodelay(true)?;
        let daemon = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        daemon.connect(&self.daemon)?;
        let place = self.free.pop().unwrap_or_else(|| {
            self.pairs.push(None);
            self.pairs.len() - 1
        });
        let pair = Pair { ends: [client, daemon], ways: Default::default() };
        for (side, end) in pair.ends.iter().enumerate() {
            self.epoll.add(end, interest(place, side, EpollFlags::empty()))?;
        }
        self.pairs[place] = Some(pair);
        Ok(())
    }

    /// One of the ends can be read or written.
    fn turn(&mut self, token: u64, events: EpollFlags) {
        let (place, side) = place_and_side(token);
        // The pair may have ended earlier in this very turn.
        let Some(pair) = self.pairs[place].as_mut() else { return };
        pair.ways[side].closing |= events.intersects(EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP);
        let mut result = Ok(());
        if events.contains(EpollFlags::EPOLLOUT) {
            result = pair.copy(place, 1 - side, &self.epoll, &mut self.buffer);
        }
        if result.is_ok() && events != EpollFlags::EPOLLOUT {
            result = pair.copy(place, side, &self.epoll, &mut self.buffer);
        }
        if result.is_err() || pair.ways.iter().all(|way| way.ended) {
            // Closing takes them out of epoll as well.
            self.pairs[place] = None;
            self.free.push(place);
        }
    }
}

impl Pair {
    /// From the end that is named to the other, until the one is empty or the other is full.
    fn copy(
        &mut self,
        place: usize,
        from: usize,
        epoll: &Epoll,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let (source, sink) = (&self.ends[from], &self.ends[1 - from]);
        let way = &mut self.ways[from];
        if !way.pending.is_empty() {
            let written = write_some(sink, &way.pending)?;
            way.pending.drain(..written);
            if !way.pending.is_empty() {
                return Ok(());
            }
            epoll.modify(sink, &mut interest(place, 1 - from, EpollFlags::empty()))?;
        }
        while !way.ended {
            let count = match recv(source.as_raw_fd(), buffer, AT_ONCE) {
                Err(Errno::EAGAIN) => return Ok(()),
                result => result?,
            };
            if count == 0 {
                way.ended = true;
                return sink.shutdown(Shutdown::Write);
            }
            let written = write_some(sink, &buffer[..count])?;
            if written < count {
                way.pending.extend_from_slice(&buffer[written..count]);
                epoll.modify(sink, &mut interest(place, 1 - from, EpollFlags::EPOLLOUT))?;
                return Ok(());
            }
            // A short read has emptied it, and an edge is yet to come unless the last one has.
            if count < buffer.len() && !way.closing {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// As much as the socket takes now.
fn write_some(sink: &Socket, bytes: &[u8]) -> Result<usize, Errno> {
    match send(sink.as_raw_fd(), bytes, AT_ONCE | MsgFlags::MSG_NOSIGNAL) {
        Err(Errno::EAGAIN) => Ok(0),
        result => result,
    }
}

/// Room to write is asked for only when there was none: on a unix socket it is an event for each
/// read of the peer's.
fn interest(place: usize, side: usize, more: EpollFlags) -> EpollEvent {
    let always = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
    EpollEvent::new(always | more, (place * 2 + side) as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "it was a usize")]
fn place_and_side(token: u64) -> (usize, usize) {
    (token as usize / 2, token as usize % 2)
}
