//! What the I/O driver has said of one descriptor (tokio's `AsyncFd`; epoll(7), edge triggered), kept
//! beside it. tokio keeps it as atomic flags, and asking costs three calls for each direction; here it
//! is asked again only after it has woken the task. That saves a tenth of a request's instructions
//! (docs/adr).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};

/// A non-blocking descriptor that is registered with this thread's runtime, closed when dropped. The
/// task that polls it last is the one that is woken.
///
/// Whoever returns `Pending` for it has polled it here after the last `EAGAIN`, by the rule of
/// `clear_readable` and `clear_writable`: a poll after them asks the driver, which registers the task.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is what epoll says by a bit of its own")]
pub struct Readiness<F: AsFd = OwnedFd> {
    /// Before `fd`, so that it is dropped first. `None` where the descriptor could not be registered
    /// anew: it is closed as far as anybody is told.
    registration: Option<AsyncFd<RawFd>>,
    fd: F,
    /// The waker that the driver has, and where it notes that it was woken.
    news: Option<(Arc<News>, Waker)>,
    /// There may be something to read.
    is_readable: bool,
    /// There was no room to write, and none has been reported since.
    is_full: bool,
    /// The peer sends no more (`EPOLLRDHUP`), or both sides are closed: the descriptor stays readable.
    is_read_closed: bool,
    /// Both sides are closed, or the connection is in error (`EPOLLHUP`, `EPOLLERR`).
    is_closed: bool,
    /// The driver reports room to write as well.
    watches_room: bool,
}

/// Whether the driver has reported something since it was asked, and the task to wake then.
#[derive(Debug)]
struct News {
    is_there: AtomicBool,
    task: Waker,
}

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The driver and the task share a thread.
        self.is_there.store(true, Relaxed);
        self.task.wake_by_ref();
    }
}

fn register(fd: BorrowedFd<'_>, interest: Interest) -> io::Result<AsyncFd<RawFd>> {
    // SAFETY: the descriptor must stay open while it is registered. `Readiness` is the only caller; it
    // owns what lends the descriptor (`AsFd`: the same one each time) and drops the registration first.
    #[expect(unsafe_code, reason = "AsyncFd can't see that the descriptor stays open")]
    Ok(unsafe { AsyncFd::register_with_interest(fd.as_raw_fd(), interest) }?)
}

impl<F: AsFd> Readiness<F> {
    /// Registers a non-blocking descriptor with this thread's runtime, for reading and closing alone: a
    /// socket that is drained would otherwise wake its task each time.
    ///
    /// # Errors
    /// `epoll_ctl`(2) can't take it.
    ///
    /// # Panics
    /// This thread has no runtime.
    pub fn new(fd: F) -> io::Result<Self> {
        Ok(Self {
            registration: Some(register(fd.as_fd(), Interest::READABLE)?),
            fd,
            news: None,
            is_readable: false,
            is_full: false,
            is_read_closed: false,
            is_closed: false,
            watches_room: false,
        })
    }

    /// Takes in what the driver has reported, and has the task woken by what it reports next.
    #[inline]
    fn update(&mut self, cx: &Context<'_>) {
        if let Some((news, _)) = &self.news
            && !news.is_there.load(Relaxed)
            && news.task.will_wake(cx.waker())
        {
            return;
        }
        self.ask(cx);
    }

    /// Asks the driver until it has nothing more to report.
    #[inline(never)]
    fn ask(&mut self, cx: &Context<'_>) {
        let known = self.news.take().filter(|(news, _)| news.task.will_wake(cx.waker()));
        let (news, waker) = self.news.insert(known.unwrap_or_else(|| {
            let news = News { is_there: AtomicBool::default(), task: cx.waker().clone() };
            let news = Arc::new(news);
            (Arc::clone(&news), news.into())
        }));
        news.is_there.store(false, Relaxed);
        let cx = &mut Context::from_waker(waker);
        let Some(registration) = &self.registration else {
            (self.is_readable, self.is_read_closed, self.is_closed) = (true, true, true);
            self.is_full = false;
            return;
        };
        // An end is final: there is nothing to be woken for after it.
        while !self.is_read_closed {
            match registration.poll_read_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(mut guard)) => {
                    self.is_readable = true;
                    self.is_read_closed = guard.ready().is_read_closed();
                    guard.clear_ready();
                }
                // The runtime is going.
                Poll::Ready(Err(_)) => {
                    (self.is_readable, self.is_read_closed, self.is_closed) = (true, true, true);
                }
            }
        }
        // Who is wholly gone has ended too, so that this need not be asked before.
        while !self.is_closed && (self.is_read_closed || self.is_full) {
            match registration.poll_write_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(mut guard)) => {
                    self.is_full = false;
                    self.is_closed = guard.ready().is_write_closed();
                    guard.clear_ready_matching(Ready::WRITABLE);
                }
                Poll::Ready(Err(_)) => self.is_closed = true,
            }
        }
        if self.is_closed {
            self.is_full = false;
        }
    }

    /// Waits until there may be something to read, an end included.
    #[inline]
    pub fn poll_readable(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.is_readable {
            self.update(cx);
        }
        if self.is_readable { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Notes that there was nothing to read. An end stays to be read.
    pub fn clear_readable(&mut self) {
        self.is_readable = self.is_read_closed;
    }

    /// Notes that there may be something to read, whatever the driver has said.
    pub fn set_readable(&mut self) {
        self.is_readable = true;
    }

    /// Waits until there may be room to write.
    #[inline]
    pub fn poll_writable(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.is_full {
            self.update(cx);
        }
        if self.is_full { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Notes that there was no room to write, and has the driver report room from now on.
    ///
    /// # Errors
    /// `epoll_ctl`(2) can't be told so.
    pub fn clear_writable(&mut self) -> io::Result<()> {
        self.is_full = true;
        // The driver has not been asked about room, and may have reported some.
        if let Some((news, _)) = &self.news {
            news.is_there.store(true, Relaxed);
        }
        if !std::mem::replace(&mut self.watches_room, true) {
            // tokio can't change what a descriptor is registered for. What there is to report already is
            // reported once more.
            self.registration = None;
            let both = Interest::READABLE | Interest::WRITABLE;
            self.registration = Some(register(self.fd.as_fd(), both)?);
        }
        Ok(())
    }

    /// Waits until both sides are closed, or the connection is in error.
    #[inline]
    pub fn poll_closed(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.is_closed {
            self.update(cx);
        }
        if self.is_closed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The descriptor itself.
    pub fn get_ref(&self) -> &F {
        &self.fd
    }
}

impl<F: AsFd> AsFd for Readiness<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{spawn, testing, yield_now};
    use nix::errno::Errno;
    use nix::unistd::{read, write};
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::rc::Rc;

    fn stream() -> (Readiness, UnixStream) {
        let (own, other) = UnixStream::pair().expect("a pair");
        own.set_nonblocking(true).expect("non-blocking mode");
        (Readiness::new(own.into()).expect("registered"), other)
    }

    /// Lets the driver report what there is.
    async fn look() {
        let mut has_looked = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut has_looked, true) { Poll::Ready(()) } else { yield_now(cx) }
        })
        .await;
    }

    async fn is_ready(mut poll: impl FnMut(&Context<'_>) -> Poll<()>) -> bool {
        poll_fn(|cx| Poll::Ready(poll(cx).is_ready())).await
    }

    #[test]
    fn what_comes_is_reported_anew_each_time() {
        testing::run(|| async {
            let (mut own, mut other) = stream();
            look().await;
            assert!(!is_ready(|cx| own.poll_readable(cx)).await);
            for _ in 0..3 {
                other.write_all(b"!").expect("sent");
                poll_fn(|cx| own.poll_readable(cx)).await;
                assert_eq!(read(&own, &mut [0; 2]), Ok(1));
                own.clear_readable();
                look().await;
                assert!(!is_ready(|cx| own.poll_readable(cx)).await);
            }
        });
    }

    #[test]
    fn an_end_stays_to_be_read_and_is_told_from_being_closed() {
        testing::run(|| async {
            let (mut own, other) = stream();
            other.shutdown(Shutdown::Write).expect("ended");
            poll_fn(|cx| own.poll_readable(cx)).await;
            own.clear_readable();
            assert!(is_ready(|cx| own.poll_readable(cx)).await);
            assert!(!is_ready(|cx| own.poll_closed(cx)).await);
            drop(other);
            poll_fn(|cx| own.poll_closed(cx)).await;
        });
    }

    #[test]
    fn room_is_reported_each_time_there_was_none() {
        testing::run(|| async {
            let (mut own, mut other) = stream();
            let block = vec![0; 64 * 1024];
            for _ in 0..3 {
                let mut sent = 0;
                while let Ok(count) = write(&own, &block) {
                    sent += count;
                }
                assert_eq!(write(&own, &block), Err(Errno::EAGAIN));
                own.clear_writable().expect("watched");
                look().await;
                assert!(!is_ready(|cx| own.poll_writable(cx)).await);
                other.read_exact(&mut vec![0; sent]).expect("read");
                poll_fn(|cx| own.poll_writable(cx)).await;
            }
        });
    }

    #[test]
    fn what_was_reported_before_room_is_watched_for_is_not_lost() {
        testing::run(|| async {
            let (mut own, mut other) = stream();
            other.write_all(b"!").expect("sent");
            other.shutdown(Shutdown::Write).expect("ended");
            own.clear_writable().expect("watched");
            poll_fn(|cx| own.poll_readable(cx)).await;
            own.clear_readable();
            assert!(is_ready(|cx| own.poll_readable(cx)).await, "the end");
        });
    }

    #[test]
    fn who_asks_while_a_peer_is_full_hears_of_its_going() {
        testing::run(|| async {
            let (mut own, other) = stream();
            let block = vec![0; 64 * 1024];
            while write(&own, &block).is_ok() {}
            own.clear_writable().expect("watched");
            assert!(!is_ready(|cx| own.poll_writable(cx)).await);
            drop(other);
            // Writing says what is wrong.
            poll_fn(|cx| own.poll_writable(cx)).await;
            assert!(is_ready(|cx| own.poll_closed(cx)).await);
        });
    }

    #[test]
    fn the_task_that_polls_last_is_woken() {
        testing::run(|| async {
            let (mut own, mut other) = stream();
            assert!(!is_ready(|cx| own.poll_readable(cx)).await);
            let woken = Rc::new(Cell::new(false));
            let seen = Rc::clone(&woken);
            let second = spawn(async move {
                poll_fn(|cx| own.poll_readable(cx)).await;
                seen.set(true);
            });
            look().await;
            assert!(!woken.get());
            other.write_all(b"!").expect("sent");
            second.await.expect("it ends");
            assert!(woken.get());
        });
    }

    #[test]
    fn one_that_can_not_be_registered_anew_is_closed() {
        testing::run(|| async {
            let (mut own, _other) = stream();
            own.registration = None;
            assert!(is_ready(|cx| own.poll_readable(cx)).await);
            assert!(is_ready(|cx| own.poll_closed(cx)).await);
            assert!(is_ready(|cx| own.poll_writable(cx)).await);
        });
    }
}
