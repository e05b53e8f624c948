//! Bytes in flight. A connection that waits owns none: a full-sized buffer is borrowed from its
//! thread's pool when there is something to read and goes back as soon as it is empty, and the
//! little that has to be kept meanwhile is kept in its own size.

use super::share::{ClientShare, Lent, Owner};
use std::cell::RefCell;
use std::mem;
use std::ops::Range;

/// A borrowed buffer's size: so large that copying, not the system calls around it, is what a
/// download costs.
pub const BUFFER_BYTES: usize = 256 * 1024;

/// What a thread lends in that size at once; beyond it, buffers are small.
const LENT_MAX: usize = 32;
const SMALL_BYTES: usize = 16 * 1024;

/// What a thread's buffers may have together before the next ones are tiny, those in full size
/// included: so ten thousand readers that have stalled cost 37 MB and not 2.6 GB.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;
const TINY_BYTES: usize = 2 * 1024;

/// What one client may have of those that others leave, whatever its share is: beyond it its buffers
/// are smaller, and it is served all the same.
const SHARE: ClientShare = ClientShare::USUAL;

/// Free buffers a thread keeps.
const FREE_MAX: usize = 4;

/// What is kept while waiting in a box of its own size, if it is no more than this.
const KEPT_BYTES_MAX: usize = SMALL_BYTES;

#[derive(Default)]
struct Pool {
    free: Vec<Box<[u8]>>,
    lent: usize,
    lent_to: Lent,
    /// Bytes of all buffers that are in use.
    held: usize,
    held_by: Lent,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// A queue of bytes: filled at its end, consumed from its front.
#[derive(Debug)]
pub struct Buffer {
    bytes: Box<[u8]>,
    /// Where what is in it begins and ends. Small: thousands of buffers wait empty.
    start: u32,
    end: u32,
    /// Whose share it is a part of.
    owner: Owner,
}

impl Buffer {
    /// An empty one of this owner's.
    #[must_use]
    pub fn of(owner: Owner) -> Self {
        Self { bytes: Box::default(), start: 0, end: 0, owner }
    }

    /// One of this owner's that holds these bytes.
    #[must_use]
    pub fn holding(mut bytes: Vec<u8>, owner: Owner) -> Self {
        let end = bytes.len();
        bytes.resize(own_len(end), 0);
        Self { bytes: held(bytes.into(), owner), start: 0, end: narrow(end), owner }
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// What is in it.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.span()]
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes `count` bytes from the front, which have been dealt with; all if there are fewer.
    pub fn consume(&mut self, count: usize) {
        let Range { start, end } = self.span();
        let start = start.saturating_add(count).min(end);
        self.put(if start < end { start..end } else { 0..0 });
    }

    /// Room behind what is in it, at least one byte, and in an empty one at least 2 KiB:
    /// borrows, moves or grows as needed.
    pub fn room(&mut self) -> &mut [u8] {
        let Range { start, end } = self.span();
        let filled = end - start;
        let is_full = end == self.bytes.len();
        // What was kept while waiting is no buffer to read into, also when it is empty.
        let least = if is_full { SMALL_BYTES } else { TINY_BYTES };
        if self.bytes.len() < least {
            self.exchange(lend(filled, self.owner));
        } else if is_full && start > 0 {
            self.bytes.copy_within(start..end, 0);
            self.put(0..filled);
        } else if is_full {
            // Only a head longer than a buffer comes here; its own limit bounds it.
            self.exchange(own(filled * 2, self.owner));
        }
        &mut self.bytes[self.end as usize..]
    }

    /// Says that the first `count` bytes of the room have been filled.
    pub fn fill(&mut self, count: usize) {
        let Range { start, end } = self.span();
        self.put(start..(end + count).min(self.bytes.len()));
    }

    /// To be called before waiting: gives back what is not needed meanwhile.
    pub fn settle(&mut self) {
        let filled = self.span().len();
        if filled == 0 {
            give_back(mem::take(&mut self.bytes), self.owner);
            self.put(0..0);
        } else if filled <= KEPT_BYTES_MAX && self.bytes.len() > filled * 2 {
            self.exchange(own(filled, self.owner));
        }
    }

    /// Puts what is in it at the front of `bytes`, which has room for it.
    fn exchange(&mut self, mut bytes: Box<[u8]>) {
        let filled = self.span().len();
        bytes[..filled].copy_from_slice(self.filled());
        give_back(mem::replace(&mut self.bytes, bytes), self.owner);
        self.put(0..filled);
    }

    fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn put(&mut self, Range { start, end }: Range<usize>) {
        (self.start, self.end) = (narrow(start), narrow(end));
    }
}

/// A place in a buffer: the longest body, of 1 GiB, and its head are far below this.
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(mem::take(&mut self.bytes), self.owner);
    }
}

/// A buffer with room for more than `filled` bytes.
fn lend(filled: usize, owner: Owner) -> Box<[u8]> {
    POOL.with_borrow_mut(|pool| {
        let (lent, bytes) = if pool.has_full(owner) {
            (1, pool.free.pop().unwrap_or_else(|| vec![0; BUFFER_BYTES].into()))
        } else {
            let least = if pool.has_small(owner) { SMALL_BYTES } else { TINY_BYTES };
            (0, vec![0; least.max(filled * 2)].into())
        };
        pool.lent += lent;
        pool.lent_to.add(owner, lent);
        pool.hold(&bytes, owner);
        bytes
    })
}

impl Pool {
    /// Whether there is one in full size for this owner.
    fn has_full(&self, owner: Owner) -> bool {
        let free = LENT_MAX.checked_sub(self.lent + 1);
        free.is_some_and(|free| self.lent_to.allows(SHARE, owner, 1, free))
    }

    /// Whether there is a small one for it: beyond that they are tiny.
    fn has_small(&self, owner: Owner) -> bool {
        let free = HELD_BYTES_MAX.saturating_sub(self.held + SMALL_BYTES);
        self.held < HELD_BYTES_MAX && self.held_by.allows(SHARE, owner, SMALL_BYTES, free)
    }

    /// Counts a buffer that is in use from now on.
    fn hold(&mut self, bytes: &[u8], owner: Owner) {
        self.held += bytes.len();
        self.held_by.add(owner, bytes.len());
    }
}

/// A buffer that nobody lends.
fn own(bytes: usize, owner: Owner) -> Box<[u8]> {
    held(vec![0; own_len(bytes)].into(), owner)
}

/// Counts a buffer that is in use from now on.
fn held(bytes: Box<[u8]>, owner: Owner) -> Box<[u8]> {
    POOL.with_borrow_mut(|pool| pool.hold(&bytes, owner));
    bytes
}

/// Its length, never that of a lent one: what comes back is told apart by that.
fn own_len(bytes: usize) -> usize {
    bytes + usize::from(bytes == BUFFER_BYTES)
}

/// Takes a buffer back. One of another size was not lent and is just freed.
fn give_back(bytes: Box<[u8]>, owner: Owner) {
    if bytes.is_empty() {
        return;
    }
    // The thread may be ending, its pool gone: the buffer is freed then.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        pool.held = pool.held.saturating_sub(bytes.len());
        pool.held_by.subtract(owner, bytes.len());
        if bytes.len() == BUFFER_BYTES {
            pool.lent = pool.lent.saturating_sub(1);
            pool.lent_to.subtract(owner, 1);
            if pool.free.len() < FREE_MAX {
                pool.free.push(bytes);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(buffer: &mut Buffer, bytes: &[u8]) {
        buffer.room()[..bytes.len()].copy_from_slice(bytes);
        buffer.fill(bytes.len());
    }

    fn lent() -> usize {
        POOL.with_borrow(|pool| pool.lent)
    }

    #[test]
    fn a_waiting_buffer_holds_no_more_than_its_bytes() {
        let mut buffer = Buffer::of(Owner::GATE);
        put(&mut buffer, b"GET /");
        assert_eq!((buffer.bytes.len(), lent()), (BUFFER_BYTES, 1));
        buffer.settle();
        assert_eq!((buffer.filled(), buffer.bytes.len(), lent()), (&b"GET /"[..], 5, 0));
        put(&mut buffer, b"_ping");
        assert_eq!((buffer.filled(), lent()), (&b"GET /_ping"[..], 1));
        buffer.consume(10);
        buffer.settle();
        assert_eq!((buffer.bytes.len(), lent()), (0, 0));
    }

    #[test]
    fn what_was_kept_is_not_read_into() {
        let mut buffer = filled(b"GET /");
        buffer.settle();
        buffer.consume(3);
        assert_eq!(buffer.room().len(), BUFFER_BYTES - 2);
        assert_eq!(buffer.filled(), b" /");
        buffer.settle();
        buffer.consume(2);
        assert_eq!(buffer.room().len(), BUFFER_BYTES);
    }

    #[test]
    fn a_dropped_buffer_is_given_back() {
        let mut buffer = Buffer::of(Owner::GATE);
        put(&mut buffer, b"x");
        drop(buffer);
        assert_eq!(lent(), 0);
        assert!(POOL.with_borrow(|pool| pool.free.len()) == 1);
    }

    #[test]
    fn what_was_not_lent_is_not_given_back() {
        let mut borrowed = Buffer::of(Owner::GATE);
        put(&mut borrowed, b"x");
        for bytes in [BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1] {
            let buffer = Buffer::holding(vec![b'y'; bytes], Owner::GATE);
            assert_eq!(buffer.filled().len(), bytes);
            drop(buffer);
            assert_eq!(lent(), 1, "{bytes}");
        }
    }

    #[test]
    fn there_is_always_room() {
        let mut buffer = Buffer::of(Owner::GATE);
        for _ in 0..3 {
            let room = buffer.room().len();
            buffer.fill(room);
        }
        assert_eq!(buffer.filled().len(), 4 * BUFFER_BYTES);
        buffer.consume(1);
        assert_eq!(buffer.room().len(), 1);
    }

    #[test]
    fn many_stalled_readers_get_small_buffers_and_even_more_tiny_ones() {
        let mut buffers: Vec<Buffer> = (0..1000).map(|_| Buffer::of(Owner::GATE)).collect();
        let sizes: Vec<usize> = buffers.iter_mut().map(|buffer| buffer.room().len()).collect();
        assert_eq!(sizes[LENT_MAX - 1..=LENT_MAX], [BUFFER_BYTES, SMALL_BYTES]);
        let small = (HELD_BYTES_MAX - LENT_MAX * BUFFER_BYTES) / SMALL_BYTES;
        let first_tiny = LENT_MAX + small;
        assert_eq!(sizes[first_tiny - 1..=first_tiny], [SMALL_BYTES, TINY_BYTES]);
        assert_eq!(sizes[999], TINY_BYTES);
        assert_eq!(held_bytes(), sizes.iter().sum::<usize>());
        drop(buffers);
        assert_eq!((lent(), held_bytes()), (0, 0));
    }

    #[test]
    fn a_tiny_buffer_grows_with_what_is_in_it() {
        let _others: Vec<Buffer> = (0..1000).map(|_| filled(b"x")).collect();
        let mut buffer = Buffer::of(Owner::GATE);
        for size in [TINY_BYTES, 2 * TINY_BYTES, 4 * TINY_BYTES, 8 * TINY_BYTES, 16 * TINY_BYTES] {
            let room = buffer.room();
            room.fill(b'y');
            let room = room.len();
            buffer.fill(room);
            assert_eq!(buffer.filled().len(), size);
        }
        assert!(buffer.filled().iter().all(|&byte| byte == b'y'));
        // What is left of it is kept in its own size and grows again.
        buffer.consume(16 * TINY_BYTES - 3000);
        buffer.settle();
        assert_eq!((buffer.filled(), buffer.bytes.len()), (&[b'y'; 3000][..], 3000));
        assert_eq!(buffer.room().len(), 3000);
        buffer.consume(3000);
        buffer.settle();
        assert!(buffer.bytes.is_empty());
    }

    #[test]
    fn whoever_has_many_leaves_large_ones_to_others() {
        let of = |number| Buffer::of(Owner::client(number));
        let mut many: Vec<Buffer> = (0..1000).map(|_| of(1)).collect();
        let sizes: Vec<usize> = many.iter_mut().map(|buffer| buffer.room().len()).collect();
        assert_eq!(sizes.iter().filter(|&&size| size == BUFFER_BYTES).count(), LENT_MAX * 3 / 4);
        assert_eq!(sizes[999], TINY_BYTES);
        let mut others = [of(2), of(3)];
        assert_eq!(others.each_mut().map(|buffer| buffer.room().len()), [BUFFER_BYTES; 2]);
        drop((many, others));
        let held =
            POOL.with_borrow(|pool| [1, 2, 3].map(|one| pool.held_by.of(Owner::client(one))));
        assert_eq!((held, lent(), held_bytes()), ([0; 3], 0, 0));
        assert_eq!(of(1).room().len(), BUFFER_BYTES);
    }

    fn filled(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::of(Owner::GATE);
        put(&mut buffer, bytes);
        buffer
    }

    fn held_bytes() -> usize {
        POOL.with_borrow(|pool| pool.held)
    }

    #[test]
    fn every_byte_that_is_held_is_counted_until_it_is_given_back() {
        let mut buffer = filled(b"GET /");
        assert_eq!(held_bytes(), BUFFER_BYTES);
        buffer.settle();
        assert_eq!(held_bytes(), 5);
        let other = Buffer::holding(vec![b'y'; BUFFER_BYTES], Owner::GATE);
        assert_eq!(held_bytes(), 5 + BUFFER_BYTES + 1);
        drop(other);
        put(&mut buffer, b"_ping");
        drop(buffer);
        assert_eq!(held_bytes(), 0);
    }
}
