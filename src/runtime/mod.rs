//! The asynchronous runtime of one thread: tokio's current-thread scheduler and I/O driver.
//!
//! Two things stand beside tokio's own, each for the system calls or instructions that it saves per
//! request (docs/adr): [`Readiness`] keeps what the I/O driver has said of a descriptor, and [`sleep`]
//! uses one timer descriptor instead of tokio's time driver.

mod readiness;
mod sleep;

pub use readiness::Readiness;
pub use sleep::{Sleep, sleep};

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::task::{Context, Poll};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{self, JoinHandle};

/// Descriptors that making a runtime takes: five, and for a process's first two more, by which tokio
/// hears of signals.
const DESCRIPTORS_MAX: usize = 7;

/// A thread's runtime; it runs on the thread that made it.
pub struct Runtime(LocalRuntime);

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Makes a runtime without tokio's time driver, which would read the clock twice per wake-up.
    ///
    /// # Errors
    /// No descriptor or memory is left, or a system call is denied.
    pub fn new() -> io::Result<Self> {
        // tokio panics where it can't make the pair of sockets by which it hears of signals: there must
        // be room for that and for the descriptors that are made before it.
        let room = (0..DESCRIPTORS_MAX.div_ceil(2)).map(|_| UnixStream::pair());
        drop(room.collect::<io::Result<Vec<_>>>().map_err(|error| {
            let why = format!("cannot make what a worker waits with (socketpair(2)): {error}");
            io::Error::new(error.kind(), why)
        })?);
        let local =
            Builder::new_current_thread().enable_io().build_local(LocalOptions::default())?;
        let timer = {
            let _entered = local.enter();
            sleep::install()?
        };
        drop(local.spawn_local(timer));
        Ok(Self(local))
    }

    /// Calls `act` where tokio's resources are registered with this runtime.
    pub fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        let _entered = self.0.enter();
        act()
    }

    /// Runs `future`, and every task that is spawned meanwhile, until `future` is ready. Tasks that are
    /// left are dropped then.
    pub fn run<T>(self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        sleep::uninstall();
    }
}

/// Spawns a task on this thread's runtime. A panic ends that task alone.
///
/// # Panics
/// This thread has no runtime.
#[inline]
pub fn spawn(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    task::spawn_local(future)
}

/// Returns `Pending` and has the current task polled again after the other tasks that are ready and a
/// look at the I/O driver: [`tokio::task::yield_now`] for `poll_` functions.
pub fn yield_now<T>(cx: &mut Context<'_>) -> Poll<T> {
    // Its first poll hands the waker to the scheduler, which is all it has to do here.
    let _ = pin!(task::yield_now()).poll(cx);
    Poll::Pending
}

/// A runtime for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::Runtime;
    use std::panic::resume_unwind;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;
    use std::time::Duration;

    /// Longer than any test here takes on the slowest machine: only a hang reaches it.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Runs a future in a runtime on a thread of its own, so that one that hangs fails its test. A
    /// panic is passed on.
    pub(crate) fn run<T, F>(make: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (done, output) = mpsc::channel();
        let thread = thread::spawn(move || {
            // Nobody listens any more where it took too long.
            let _ = done.send(Runtime::new().expect("a runtime").run(make()));
        });
        match output.recv_timeout(PATIENCE) {
            Ok(output) => output,
            Err(RecvTimeoutError::Timeout) => panic!("the runtime hangs"),
            Err(RecvTimeoutError::Disconnected) => {
                resume_unwind(thread.join().expect_err("without output there was a panic"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::{pending, poll_fn, ready};
    use std::io::Read as _;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_thread_may_have_one_runtime_after_another() {
        for output in ["output", "later"] {
            assert_eq!(Runtime::new().expect("a runtime").run(ready(output)), output);
        }
    }

    #[test]
    fn the_tasks_that_are_left_in_the_end_are_dropped_and_their_sockets_close() {
        let (own, mut other) = UnixStream::pair().expect("a pair");
        other.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        testing::run(|| async {
            spawn(async {
                let _registered = Readiness::new(own).expect("registered");
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
        testing::run(|| async {
            spawn(async {
                sleep(Duration::from_secs(3600)).await;
                drop(sleeper);
            });
            sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_panic_ends_its_task_alone_and_drops_what_that_holds() {
        let held = Arc::new(());
        let holder = Arc::clone(&held);
        let others = testing::run(|| async {
            let ended = spawn(async move {
                assert_eq!(Arc::strong_count(&holder), 1, "a defect in one connection");
            });
            assert!(ended.await.expect_err("a panic").is_panic());
            let others = Rc::new(Cell::new(0));
            let counted = Rc::clone(&others);
            spawn(async move { counted.set(1) }).await.expect("another task runs on");
            others.get()
        });
        assert_eq!(others, 1);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_task_that_yields_is_polled_after_the_others() {
        let order = testing::run(|| async {
            let order = Rc::new(std::cell::RefCell::new(Vec::new()));
            let (first, second) = (Rc::clone(&order), Rc::clone(&order));
            let yielding = spawn(async move {
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    first.borrow_mut().push(("yielding", polls));
                    if polls < 3 { yield_now(cx) } else { Poll::Ready(()) }
                })
                .await;
            });
            spawn(async move { second.borrow_mut().push(("other", 1)) });
            yielding.await.expect("it ends");
            order.take()
        });
        assert_eq!(order, [("yielding", 1), ("other", 1), ("yielding", 2), ("yielding", 3)]);
    }
}
