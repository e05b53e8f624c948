//! Pipes, which splice(2) moves bytes through: sockets can't be joined without one. A thread
//! lends a few; one is either empty or held by the connection whose bytes are in it.

use super::share::{ClientShare, Lent, Owner};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use std::cell::RefCell;
use std::mem;
use std::os::fd::OwnedFd;

/// A pipe's size: what is moved in one piece. The kernel grants an unprivileged user 64 of them
/// (`/proc/sys/fs/pipe-user-pages-soft`, see pipe(7)); beyond that pipes keep the size they had.
pub const PIPE_BYTES: usize = 1024 * 1024;

/// What a thread lends at once, two descriptors each. Whoever gets none copies.
pub const PIPES_MAX: usize = 16;

/// What one client may have of those that others leave, whatever its share is: whoever gets none is
/// served all the same.
const SHARE: ClientShare = ClientShare::USUAL;

/// Empty pipes a thread keeps.
const FREE_MAX: usize = 4;

#[derive(Default)]
struct Pool {
    free: Vec<Ends>,
    lent: usize,
    lent_to: Lent,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

/// A lent pipe, empty in the beginning. It goes back when dropped, unless bytes are in it: then it
/// is closed, so that nobody else ever meets them.
#[derive(Debug)]
pub struct Pipe {
    /// `None` only while it is dropped.
    ends: Option<Ends>,
    held: usize,
    owner: Owner,
}

impl Pipe {
    /// Borrows one; `None` where there is none to be had.
    #[must_use]
    pub fn lend(owner: Owner) -> Option<Self> {
        POOL.with_borrow_mut(|pool| {
            let free = PIPES_MAX.checked_sub(pool.lent + 1)?;
            if !pool.lent_to.allows(SHARE, owner, 1, free) {
                return None;
            }
            let ends = match pool.free.pop() {
                Some(ends) => ends,
                None => Ends::make().ok()?,
            };
            pool.lent += 1;
            pool.lent_to.add(owner, 1);
            Some(Self { ends: Some(ends), held: 0, owner })
        })
    }

    /// How many bytes are in it.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Has `put` put bytes into its one end; it says how many.
    pub(super) fn fill(
        &mut self,
        put: impl FnOnce(&OwnedFd) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let count = put(&self.ends.as_ref().ok_or(Errno::EBADF)?.write)?;
        self.held += count;
        Ok(count)
    }

    /// Has `take` take at most what is held from its other end; it says how many.
    pub(super) fn drain(
        &mut self,
        take: impl FnOnce(&OwnedFd, usize) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let count = take(&self.ends.as_ref().ok_or(Errno::EBADF)?.read, self.held)?;
        self.held -= count;
        Ok(count)
    }
}

impl Ends {
    fn make() -> Result<Self, Errno> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // A smaller one serves as well, only not as fast.
        let _ =
            fcntl(&write, FcntlArg::F_SETPIPE_SZ(i32::try_from(PIPE_BYTES).unwrap_or(i32::MAX)));
        Ok(Self { read, write })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let ends = mem::take(&mut self.ends);
        // The thread may be ending, its pool gone: the pipe is closed then.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            pool.lent = pool.lent.saturating_sub(1);
            pool.lent_to.subtract(self.owner, 1);
            if self.held == 0 && pool.free.len() < FREE_MAX {
                pool.free.extend(ends);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::{read, write};

    /// How many are lent, and how many are kept.
    fn pool() -> (usize, usize) {
        POOL.with_borrow(|pool| (pool.lent, pool.free.len()))
    }

    /// A thread may run several tests.
    fn begin_anew() {
        POOL.take();
    }

    /// Its read end, which shows whether it has been closed.
    fn eye(pipe: &Pipe) -> OwnedFd {
        pipe.ends.as_ref().and_then(|ends| ends.read.try_clone().ok()).expect("a descriptor")
    }

    fn put(pipe: &mut Pipe, bytes: &[u8]) {
        assert_eq!(pipe.fill(|end| write(end, bytes)), Ok(bytes.len()));
    }

    #[test]
    fn no_more_than_so_many_are_lent_and_what_comes_back_is_lent_again() {
        begin_anew();
        let mut lent: Vec<Pipe> = (0..PIPES_MAX).map_while(|_| Pipe::lend(Owner::GATE)).collect();
        assert_eq!(lent.len(), PIPES_MAX);
        assert!(Pipe::lend(Owner::GATE).is_none());
        lent.pop();
        let again = Pipe::lend(Owner::GATE);
        assert!(again.is_some() && Pipe::lend(Owner::GATE).is_none());
        drop((lent, again));
        assert_eq!(pool().0, 0);
    }

    #[test]
    fn whoever_has_many_leaves_some_to_others() {
        begin_anew();
        let one_of = |number| Pipe::lend(Owner::client(number));
        let many: Vec<Pipe> = std::iter::from_fn(|| one_of(1)).collect();
        assert_eq!(many.len(), PIPES_MAX * 3 / 4);
        let other = one_of(2);
        assert!(other.is_some() && one_of(1).is_none());
        drop(many);
        assert!(one_of(1).is_some());
    }

    #[test]
    fn an_empty_pipe_is_kept_and_lent_again() {
        begin_anew();
        let pipe = Pipe::lend(Owner::GATE).expect("a pipe");
        let eye = eye(&pipe);
        drop(pipe);
        assert_eq!(pool(), (0, 1));
        let mut again = Pipe::lend(Owner::GATE).expect("a pipe");
        assert_eq!(pool(), (1, 0));
        put(&mut again, b"x");
        assert_eq!(read(&eye, &mut [0; 2]), Ok(1), "it is the same one");
    }

    #[test]
    fn a_pipe_with_bytes_in_it_is_closed() {
        begin_anew();
        let mut pipe = Pipe::lend(Owner::GATE).expect("a pipe");
        let eye = eye(&pipe);
        put(&mut pipe, b"secret");
        assert_eq!(pipe.held(), 6);
        assert_eq!(pipe.drain(|end, held| read(end, &mut vec![0; held - 2])), Ok(4));
        assert_eq!(pipe.held(), 2);
        drop(pipe);
        assert_eq!(pool(), (0, 0));
        assert_eq!(read(&eye, &mut [0; 9]), Ok(2));
        assert_eq!(read(&eye, &mut [0; 9]), Ok(0), "nobody can write to it any more");
    }

    #[test]
    fn what_can_not_be_moved_is_not_counted() {
        begin_anew();
        let mut pipe = Pipe::lend(Owner::GATE).expect("a pipe");
        assert_eq!(pipe.fill(|_| Err(Errno::EAGAIN)), Err(Errno::EAGAIN));
        assert_eq!(pipe.held(), 0);
        put(&mut pipe, b"xyz");
        assert_eq!(pipe.drain(|_, _| Err(Errno::EAGAIN)), Err(Errno::EAGAIN));
        assert_eq!(pipe.held(), 3);
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        begin_anew();
        let lent: Vec<Option<Pipe>> = (0..=FREE_MAX).map(|_| Pipe::lend(Owner::GATE)).collect();
        drop(lent);
        assert_eq!(pool(), (0, FREE_MAX));
    }
}
