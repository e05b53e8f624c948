//! The loop itself: wait, take down what has happened, poll who was waiting for it.

use super::local::Local;
use super::mailbox::Mailbox;
use super::sleep::Timers;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// Events taken at once.
const EVENTS_MAX: usize = 256;

/// Keys that no descriptor has: its upper half would have to count to the end.
const MAILBOX: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// What a loop needs of the kernel. It is made where that may still be asked for, and run on the
/// thread that serves.
#[derive(Debug)]
pub struct EventLoop {
    epoll: Epoll,
    timers: Timers,
    mailbox: Arc<Mailbox>,
}

impl EventLoop {
    /// Makes one; three descriptors.
    ///
    /// # Errors
    /// No descriptor or memory is left.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let (timers, mailbox) = (Timers::new()?, Mailbox::new()?);
        epoll.add(&timers.fd, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        epoll.add(&mailbox.fd, EpollEvent::new(EpollFlags::EPOLLIN, MAILBOX))?;
        Ok(Self { epoll, timers, mailbox: Arc::new(mailbox) })
    }

    /// Runs a future, and every task that is spawned meanwhile, until the future is ready. The
    /// tasks are dropped where they are then.
    ///
    /// # Errors
    /// Waiting fails, which it does only by a defect: `epoll_wait`(2).
    pub fn run<T: 'static>(self, future: impl Future<Output = T> + 'static) -> io::Result<T> {
        let local = Rc::new(Local::new(self.epoll, self.timers, self.mailbox));
        Local::enter(Some(Rc::clone(&local)));
        let output = Rc::new(Cell::new(None));
        local.spawn(Box::pin({
            let output = Rc::clone(&output);
            async move { output.set(Some(future.await)) }
        }));
        let result = turn(&local, &output);
        local.clear();
        Local::enter(None);
        result
    }
}

fn turn<T>(local: &Local, output: &Cell<Option<T>>) -> io::Result<T> {
    let mut events = [EpollEvent::empty(); EVENTS_MAX];
    let mut batch = Vec::new();
    loop {
        local.run_queued(&mut batch);
        if let Some(output) = output.take() {
            return Ok(output);
        }
        let wait = if local.has_postponed() { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        let count = match local.epoll.wait(&mut events, wait) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        for event in &events[..count] {
            match event.data() {
                TIMER => {
                    let due = local.timers.borrow_mut().expire();
                    due.into_iter().for_each(std::task::Waker::wake);
                }
                MAILBOX => {
                    for task in local.mailbox.empty() {
                        local.schedule(task);
                    }
                }
                key => local.mark(key, event.events()),
            }
        }
        local.resume_postponed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::trial::in_a_loop;
    use crate::event::{Interest, Source, sleep, spawn};
    use std::future::{pending, ready};
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    #[test]
    fn the_first_tasks_output_is_the_loops_and_a_thread_may_have_another_after_it() {
        for output in ["output", "later"] {
            let event_loop = EventLoop::new().expect("a loop");
            assert_eq!(event_loop.run(ready(output)).expect("nothing to wait for"), output);
        }
    }

    #[test]
    fn in_the_end_the_other_tasks_are_dropped_and_their_sockets_close() {
        let (own, mut other) = UnixStream::pair().expect("a pair");
        other.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        in_a_loop(|| async {
            spawn(async {
                let _source = Source::new(own, Interest::Stream).expect("registered");
                spawn(pending());
                pending::<()>().await;
            });
            sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(other.read(&mut [0]).expect("its end"), 0);
    }

    #[test]
    fn a_task_that_sleeps_in_the_end_is_dropped_too() {
        let held = Arc::new(());
        let sleeper = Arc::clone(&held);
        in_a_loop(|| async {
            spawn(async {
                sleep(Duration::from_secs(3600)).await;
                drop(sleeper);
            });
            sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
