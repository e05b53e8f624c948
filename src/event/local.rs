//! A thread's loop from within: its tasks, its descriptors, its queue.

use super::mailbox::{Mailbox, TaskWaker};
use super::sleep::Timers;
use super::source::Slot;
use nix::sys::epoll::{Epoll, EpollFlags};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The task that a loop is run for.
const FIRST: usize = 0;

thread_local! {
    static LOCAL: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

/// A thread's loop.
pub struct Local {
    pub(super) epoll: Epoll,
    pub(super) timers: RefCell<Timers>,
    pub(super) mailbox: Arc<Mailbox>,
    slots: RefCell<Slab<Rc<Slot>>>,
    /// Counts descriptors; see [`Slot::key`].
    generation: Cell<u32>,
    tasks: RefCell<Slab<Entry>>,
    queue: RefCell<Vec<usize>>,
    /// Who wants another turn, but not before the others.
    later: RefCell<Vec<usize>>,
    current: Cell<usize>,
}

/// A task's place, kept while it is being polled.
struct Entry {
    task: Option<Task>,
    queued: bool,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

/// Begins a task on this thread's loop; it is polled first when its caller waits.
///
/// # Panics
/// This thread has no loop.
#[inline]
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    Local::here().spawn(Box::pin(future));
}

/// Queues a task if it is one of this thread's loop; whether it is.
pub(super) fn schedule_here(mailbox: &Arc<Mailbox>, task: usize) -> bool {
    LOCAL.with_borrow(|local| {
        let local = local.as_ref().filter(|local| Arc::ptr_eq(&local.mailbox, mailbox));
        local.is_some_and(|local| {
            local.schedule(task);
            true
        })
    })
}

impl Local {
    pub(super) fn new(epoll: Epoll, timers: Timers, mailbox: Arc<Mailbox>) -> Self {
        Self {
            epoll,
            timers: RefCell::new(timers),
            mailbox,
            slots: RefCell::default(),
            generation: Cell::new(0),
            tasks: RefCell::default(),
            queue: RefCell::default(),
            later: RefCell::default(),
            current: Cell::new(0),
        }
    }

    /// This thread's.
    ///
    /// # Panics
    /// This thread has none.
    #[must_use]
    pub fn here() -> Rc<Self> {
        #[expect(clippy::expect_used, reason = "only what runs in a loop waits")]
        LOCAL.with_borrow(Clone::clone).expect("an event loop on this thread")
    }

    /// Makes it this thread's, or leaves the thread without one.
    pub(super) fn enter(local: Option<Rc<Self>>) {
        LOCAL.set(local);
    }

    pub(super) fn spawn(&self, future: Pin<Box<dyn Future<Output = ()>>>) {
        let mut tasks = self.tasks.borrow_mut();
        let entry = tasks.vacant_entry();
        let id = entry.key();
        let waker = Arc::new(TaskWaker { mailbox: Arc::clone(&self.mailbox), task: id }).into();
        entry.insert(Entry { task: Some(Task { future, waker }), queued: true });
        self.queue.borrow_mut().push(id);
    }

    /// Queues a task, if it is not queued or over.
    pub(super) fn schedule(&self, id: usize) {
        if let Some(entry) = self.tasks.borrow_mut().get_mut(id)
            && !mem::replace(&mut entry.queued, true)
        {
            self.queue.borrow_mut().push(id);
        }
    }

    /// Takes down what the kernel says of a descriptor, and queues who waits for it.
    pub(super) fn mark(&self, key: u64, events: EpollFlags) {
        let task = {
            let slots = self.slots.borrow();
            let Some(slot) = slots.get(index(key)).filter(|slot| slot.key.get() == key) else {
                return;
            };
            slot.mark(events);
            slot.task.get()
        };
        self.schedule(task);
    }

    /// Lets the task that is being polled have another turn after a look at the descriptors.
    pub(super) fn postpone(&self) {
        self.later.borrow_mut().push(self.current.get());
    }

    pub(super) fn has_postponed(&self) -> bool {
        !self.later.borrow().is_empty()
    }

    /// Queues who was postponed.
    pub(super) fn resume_postponed(&self) {
        self.later.borrow_mut().drain(..).for_each(|id| self.schedule(id));
    }

    /// Polls every task that is queued, those too that are queued meanwhile.
    pub(super) fn run_queued(&self, batch: &mut Vec<usize>) {
        while !self.queue.borrow().is_empty() {
            mem::swap(batch, &mut *self.queue.borrow_mut());
            for id in batch.drain(..) {
                self.run(id);
            }
        }
    }

    fn run(&self, id: usize) {
        let Some(mut task) = self.tasks.borrow_mut().get_mut(id).and_then(|entry| {
            entry.queued = false;
            entry.task.take()
        }) else {
            return;
        };
        self.current.set(id);
        let mut cx = Context::from_waker(&task.waker);
        // One connection's defect ends that connection: its grant is not spent, its sockets close.
        let polled = catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut cx)));
        match polled {
            Ok(Poll::Pending) => {
                if let Some(entry) = self.tasks.borrow_mut().get_mut(id) {
                    entry.task = Some(task);
                }
            }
            // Without the first task nobody would end the loop.
            Err(panic) if id == FIRST => resume_unwind(panic),
            Ok(Poll::Ready(())) | Err(_) => {
                self.tasks.borrow_mut().remove(id);
            }
        }
    }

    /// The task that is being polled.
    pub(super) fn current(&self) -> usize {
        self.current.get()
    }

    /// Gives a descriptor its place.
    pub(super) fn add(&self, slot: Slot) -> Rc<Slot> {
        let generation = self.generation.get().wrapping_add(1);
        self.generation.set(generation);
        let slot = Rc::new(slot);
        let mut slots = self.slots.borrow_mut();
        let index = slots.insert(Rc::clone(&slot));
        // Descriptors are 31-bit numbers: so are their places.
        slot.key.set(u64::from(generation) << 32 | index as u64);
        slot
    }

    pub(super) fn remove(&self, key: u64) {
        self.slots.borrow_mut().try_remove(index(key));
    }

    /// Drops every task; what they hold is closed.
    pub(super) fn clear(&self) {
        // One after the other: a task that is dropped looks into the loop.
        let count = self.tasks.borrow().capacity();
        for id in 0..count {
            let entry = self.tasks.borrow_mut().try_remove(id);
            drop(entry);
        }
    }
}

/// The lower half.
#[expect(clippy::cast_possible_truncation, reason = "Linux runs on 32 bits at the least")]
fn index(key: u64) -> usize {
    key as u32 as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::trial::in_a_loop;
    use crate::event::{Interest, Source, again, sleep};
    use std::future::{pending, poll_fn};
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    /// A panic that nothing is printed of.
    fn panic_quietly() -> ! {
        resume_unwind(Box::new("a defect"))
    }

    /// Waits until it is so, letting everybody else go on.
    async fn until(mut is_so: impl FnMut() -> bool) {
        poll_fn(|_| if is_so() { Poll::Ready(()) } else { again() }).await;
    }

    fn connected() -> (Source, UnixStream) {
        let (own, other) = UnixStream::pair().expect("a pair");
        own.set_nonblocking(true).expect("non-blocking mode");
        (Source::new(own.into(), Interest::Stream).expect("registered"), other)
    }

    #[test]
    fn a_panicking_task_ends_alone_and_what_it_held_is_dropped() {
        in_a_loop(|| async {
            let (held, served) = (Rc::new(()), Rc::new(Cell::new(false)));
            spawn({
                let held = Rc::clone(&held);
                async move {
                    sleep(Duration::from_millis(1)).await;
                    assert_eq!(Rc::strong_count(&held), 2);
                    panic_quietly();
                }
            });
            spawn({
                let (held, served) = (Rc::downgrade(&held), Rc::clone(&served));
                async move {
                    until(|| held.strong_count() == 1).await;
                    sleep(Duration::from_millis(1)).await;
                    served.set(true);
                }
            });
            until(|| served.get()).await;
            assert_eq!(Rc::strong_count(&held), 1);
        });
    }

    #[test]
    fn the_place_of_a_task_that_has_panicked_is_anothers() {
        in_a_loop(|| async {
            spawn(async { panic_quietly() });
            until(|| Local::here().tasks.borrow().len() == 1).await;
            let done = Rc::new(Cell::new(false));
            spawn({
                let done = Rc::clone(&done);
                async move { done.set(true) }
            });
            until(|| done.get()).await;
        });
    }

    #[test]
    fn a_panic_of_the_first_task_ends_the_loop() {
        let ended = catch_unwind(|| {
            in_a_loop(|| async {
                spawn(pending());
                panic_quietly();
            });
        });
        let panic = ended.expect_err("a panic");
        assert_eq!(panic.downcast_ref(), Some(&"a defect"));
    }

    #[test]
    fn a_task_begun_by_a_task_is_polled_when_that_one_waits() {
        let order = in_a_loop(|| async {
            let order = Rc::new(RefCell::new(Vec::new()));
            let note = |what| order.borrow_mut().push(what);
            spawn({
                let order = Rc::clone(&order);
                async move {
                    spawn({
                        let order = Rc::clone(&order);
                        async move { order.borrow_mut().push("its child") }
                    });
                    order.borrow_mut().push("a task");
                }
            });
            note("the first");
            until(|| order.borrow().len() == 3).await;
            order.take()
        });
        assert_eq!(order, ["the first", "a task", "its child"]);
    }

    #[test]
    fn who_wants_another_turn_lets_the_others_have_theirs() {
        let turns = in_a_loop(|| async {
            let turns = Rc::new(RefCell::new(Vec::new()));
            for name in ["one", "other"] {
                let turns = Rc::clone(&turns);
                spawn(async move {
                    for _ in 0..3 {
                        turns.borrow_mut().push(name);
                        let mut asked = false;
                        until(|| mem::replace(&mut asked, true)).await;
                    }
                });
            }
            until(|| turns.borrow().len() == 6).await;
            turns.take()
        });
        assert_eq!(turns, ["one", "other"].repeat(3));
    }

    #[test]
    fn who_always_wants_another_turn_does_not_starve_a_socket() {
        in_a_loop(|| async {
            let (source, mut other) = connected();
            let heard = Rc::new(Cell::new(false));
            spawn({
                let heard = Rc::clone(&heard);
                async move {
                    poll_fn(|_| if source.is_readable() { Poll::Ready(()) } else { Poll::Pending })
                        .await;
                    heard.set(true);
                }
            });
            let mut turns = 0;
            until(|| {
                turns += 1;
                if turns == 3 {
                    other.write_all(b"!").expect("sent");
                }
                heard.get()
            })
            .await;
        });
    }

    #[test]
    fn a_late_event_of_a_closed_descriptor_does_not_reach_the_next_in_its_place() {
        in_a_loop(|| async {
            let local = Local::here();
            let key = |local: &Local| local.slots.borrow()[0].key.get();
            let (source, _other) = connected();
            let old = key(&local);
            drop(source);
            local.mark(old, EpollFlags::EPOLLIN);
            let (source, _other) = connected();
            let new = key(&local);
            assert_eq!((index(new), new == old), (index(old), false));
            local.mark(old, EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP);
            assert!(!source.is_readable() && !source.is_gone());
            local.mark(new, EpollFlags::EPOLLIN);
            assert!(source.is_readable() && !source.is_gone());
        });
    }
}
