//! A descriptor that a task waits for: what the kernel has last said of it (epoll(7), edge
//! triggered, so that each change is said once), and which task wants to know.

use super::local::Local;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

/// Nobody waits yet.
const NOBODY: usize = usize::MAX;

/// What to be told of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// A connected stream: what comes and how it ends; room for more only once there was none.
    Stream,
    /// A listener, or another descriptor that is asked again for as long as it has something:
    /// level triggered.
    Arrivals,
}

impl Interest {
    fn flags(self) -> EpollFlags {
        match self {
            Self::Stream => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET,
            Self::Arrivals => EpollFlags::EPOLLIN,
        }
    }
}

/// What is known of a descriptor.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its place among the loop's, and how often that has been given away before: what the
    /// kernel says late of a predecessor is told apart by it.
    pub(super) key: Cell<u64>,
    pub(super) task: Cell<usize>,
    /// There may be something to read.
    readable: Cell<bool>,
    /// There was no room to write, and none has been reported since.
    full: Cell<bool>,
    /// The peer sends no more, or both sides are closed.
    ended: Cell<bool>,
    /// Both sides are closed, or the connection is in error.
    gone: Cell<bool>,
    /// Room to write is reported as well.
    watches_room: Cell<bool>,
}

impl Slot {
    /// Takes down what the kernel says.
    pub(super) fn mark(&self, events: EpollFlags) {
        let has = |flags| events.intersects(flags);
        if has(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.readable.set(true);
        }
        if has(EpollFlags::EPOLLOUT | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.full.set(false);
        }
        if has(EpollFlags::EPOLLHUP | EpollFlags::EPOLLRDHUP) {
            self.readable.set(true);
            self.ended.set(true);
        }
        if has(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.gone.set(true);
        }
    }
}

/// A registered descriptor, closed when dropped. The task that asks last of its state is woken
/// when that changes.
#[derive(Debug)]
pub struct Source<F: AsFd = OwnedFd> {
    fd: F,
    slot: Rc<Slot>,
    local: Rc<Local>,
    interest: Interest,
}

impl<F: AsFd> Source<F> {
    /// Registers a non-blocking descriptor with this thread's loop.
    ///
    /// # Errors
    /// `epoll_ctl`(2) can't take it.
    ///
    /// # Panics
    /// This thread has no loop.
    pub fn new(fd: F, interest: Interest) -> io::Result<Self> {
        let local = Local::here();
        let slot = local.add(Slot {
            key: Cell::new(0),
            task: Cell::new(NOBODY),
            readable: Cell::new(false),
            full: Cell::new(false),
            ended: Cell::new(false),
            gone: Cell::new(false),
            watches_room: Cell::new(false),
        });
        let source = Self { fd, slot, local, interest };
        let event = EpollEvent::new(interest.flags(), source.slot.key.get());
        source.local.epoll.add(&source.fd, event)?;
        Ok(source)
    }

    /// Whether there may be something to read, an end included.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.slot.task.set(self.local.current());
        self.slot.readable.get()
    }

    /// There is nothing to read, for the moment.
    pub fn set_unreadable(&self) {
        // An end stays to be read.
        self.slot.readable.set(self.slot.ended.get());
    }

    /// There may be something, whatever has been said.
    pub fn set_readable(&self) {
        self.slot.readable.set(true);
    }

    /// Whether there was no room to write, as far as is known.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.slot.task.set(self.local.current());
        self.slot.full.get()
    }

    /// There is no room to write.
    ///
    /// # Errors
    /// `epoll_ctl`(2) can't be told to report room.
    pub fn set_full(&self) -> io::Result<()> {
        self.slot.full.set(true);
        if !self.slot.watches_room.replace(true) {
            self.modify(self.interest.flags() | EpollFlags::EPOLLOUT)?;
        }
        Ok(())
    }

    /// Whether both sides are closed, or the connection is in error.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.slot.task.set(self.local.current());
        self.slot.gone.get()
    }

    /// The descriptor itself.
    pub fn get_ref(&self) -> &F {
        &self.fd
    }

    /// Is told nothing for a while.
    ///
    /// # Errors
    /// See `epoll_ctl`(2).
    pub fn pause(&self) -> io::Result<()> {
        self.slot.readable.set(false);
        self.modify(EpollFlags::empty())
    }

    /// Is told again.
    ///
    /// # Errors
    /// See `epoll_ctl`(2).
    pub fn resume(&self) -> io::Result<()> {
        self.modify(self.interest.flags())
    }

    fn modify(&self, flags: EpollFlags) -> io::Result<()> {
        let mut event = EpollEvent::new(flags, self.slot.key.get());
        Ok(self.local.epoll.modify(&self.fd, &mut event)?)
    }
}

impl<F: AsFd> AsFd for Source<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<F: AsFd> Drop for Source<F> {
    fn drop(&mut self) {
        self.local.remove(self.slot.key.get());
        // Closing takes a descriptor out of the epoll instance, unless it is open elsewhere too: a
        // listener that workers share.
        if self.interest == Interest::Arrivals {
            let _ = self.local.epoll.delete(&self.fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::trial::in_a_loop;
    use crate::event::{again, sleep};
    use nix::errno::Errno;
    use nix::sys::epoll::EpollTimeout;
    use nix::unistd::{read, write};
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::task::Poll;
    use std::time::Duration;

    fn stream() -> (Source, UnixStream) {
        let (own, other) = UnixStream::pair().expect("a pair");
        own.set_nonblocking(true).expect("non-blocking mode");
        (Source::new(own.into(), Interest::Stream).expect("registered"), other)
    }

    /// Waits until the kernel has said so.
    async fn until(is_so: impl Fn() -> bool) {
        poll_fn(|_| if is_so() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Lets the kernel say what it has to say.
    async fn look() {
        let mut looked = false;
        poll_fn(|_| if std::mem::replace(&mut looked, true) { Poll::Ready(()) } else { again() })
            .await;
    }

    #[test]
    fn a_paused_listener_hears_of_nobody_until_it_goes_on() {
        in_a_loop(|| async {
            let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
            listener.set_nonblocking(true).expect("non-blocking mode");
            let address = listener.local_addr().expect("its address");
            let source = Source::new(listener, Interest::Arrivals).expect("registered");
            source.pause().expect("paused");
            let _client = TcpStream::connect(address).expect("connected");
            sleep(Duration::from_millis(20)).await;
            assert!(!source.is_readable());
            source.resume().expect("resumed");
            until(|| source.is_readable()).await;
            // Pausing forgets what was said, and who still waits is told again.
            source.pause().expect("paused");
            assert!(!source.is_readable());
            source.resume().expect("resumed");
            until(|| source.is_readable()).await;
        });
    }

    #[test]
    fn what_comes_is_said_anew_each_time() {
        in_a_loop(|| async {
            let (source, mut other) = stream();
            look().await;
            assert!(!source.is_readable());
            for _ in 0..3 {
                other.write_all(b"!").expect("sent");
                until(|| source.is_readable()).await;
                assert_eq!(read(&source, &mut [0; 2]), Ok(1));
                source.set_unreadable();
                look().await;
                assert!(!source.is_readable());
            }
        });
    }

    #[test]
    fn an_end_stays_to_be_read() {
        in_a_loop(|| async {
            let (source, other) = stream();
            other.shutdown(std::net::Shutdown::Write).expect("ended");
            until(|| source.is_readable()).await;
            source.set_unreadable();
            assert!(source.is_readable() && !source.is_gone());
            drop(other);
            until(|| source.is_gone()).await;
        });
    }

    #[test]
    fn room_is_told_each_time_there_was_none() {
        in_a_loop(|| async {
            let (source, mut other) = stream();
            let block = vec![0; 64 * 1024];
            for _ in 0..3 {
                let mut sent = 0;
                while let Ok(count) = write(&source, &block) {
                    sent += count;
                }
                assert_eq!(write(&source, &block), Err(Errno::EAGAIN));
                source.set_full().expect("watched");
                look().await;
                assert!(source.is_full());
                other.read_exact(&mut vec![0; sent]).expect("read");
                until(|| !source.is_full()).await;
            }
        });
    }

    #[test]
    fn a_listener_that_is_open_elsewhere_is_not_heard_of_when_its_source_is_dropped() {
        in_a_loop(|| async {
            let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
            let shared = listener.try_clone().expect("shared");
            let heard = || Local::here().epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::ZERO);
            let source = Source::new(listener, Interest::Arrivals).expect("registered");
            let address = shared.local_addr().expect("its address");
            let _client = TcpStream::connect(address).expect("connected");
            assert_eq!(heard(), Ok(1));
            drop(source);
            assert_eq!(heard(), Ok(0));
        });
    }
}
