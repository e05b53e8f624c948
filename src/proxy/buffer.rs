//! Bytes in flight. A connection that waits owns none: a full-sized buffer is borrowed from its
//! thread's pool when there is something to read and goes back as soon as it is empty, and the
//! little that has to be kept meanwhile is kept in its own size.

use std::cell::RefCell;
use std::mem;

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

/// Free buffers a thread keeps.
const FREE_MAX: usize = 4;

/// What is kept while waiting in a box of its own size, if it is no more than this.
const KEPT_BYTES_MAX: usize = SMALL_BYTES;

#[derive(Default)]
struct Pool {
    free: Vec<Box<[u8]>>,
    lent: usize,
    /// Bytes of all buffers that are in use.
    held: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// A queue of bytes: filled at its end, consumed from its front.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// What is in it.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes `count` bytes from the front, which have been dealt with; all if there are fewer.
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room behind what is in it, at least one byte, and in an empty one at least 2 KiB:
    /// borrows, moves or grows as needed.
    pub fn room(&mut self) -> &mut [u8] {
        let filled = self.end - self.start;
        let is_full = self.end == self.bytes.len();
        // What was kept while waiting is no buffer to read into, also when it is empty.
        let least = if is_full { SMALL_BYTES } else { TINY_BYTES };
        if self.bytes.len() < least {
            self.exchange(lend(filled));
        } else if is_full && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, filled);
        } else if is_full {
            // Only a head longer than a buffer comes here; its own limit bounds it.
            self.exchange(own(filled * 2));
        }
        &mut self.bytes[self.end..]
    }

    /// Says that the first `count` bytes of the room have been filled.
    pub fn fill(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// To be called before waiting: gives back what is not needed meanwhile.
    pub fn settle(&mut self) {
        let filled = self.end - self.start;
        if filled == 0 {
            give_back(mem::take(&mut self.bytes));
            (self.start, self.end) = (0, 0);
        } else if filled <= KEPT_BYTES_MAX && self.bytes.len() > filled * 2 {
            self.exchange(own(filled));
        }
    }

    /// Puts what is in it at the front of `bytes`, which has room for it.
    fn exchange(&mut self, mut bytes: Box<[u8]>) {
        let filled = self.end - self.start;
        bytes[..filled].copy_from_slice(self.filled());
        give_back(mem::replace(&mut self.bytes, bytes));
        (self.start, self.end) = (0, filled);
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(mut bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        bytes.resize(own_len(end), 0);
        Self { bytes: held(bytes.into()), start: 0, end }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(mem::take(&mut self.bytes));
    }
}

/// A buffer with room for more than `filled` bytes.
fn lend(filled: usize) -> Box<[u8]> {
    POOL.with_borrow_mut(|pool| {
        let (lent, bytes) = if pool.lent < LENT_MAX {
            (1, pool.free.pop().unwrap_or_else(|| vec![0; BUFFER_BYTES].into()))
        } else {
            let least = if pool.held < HELD_BYTES_MAX { SMALL_BYTES } else { TINY_BYTES };
            (0, vec![0; least.max(filled * 2)].into())
        };
        pool.lent += lent;
        pool.held += bytes.len();
        bytes
    })
}

/// A buffer that nobody lends.
fn own(bytes: usize) -> Box<[u8]> {
    held(vec![0; own_len(bytes)].into())
}

/// Counts a buffer that is in use from now on.
fn held(bytes: Box<[u8]>) -> Box<[u8]> {
    POOL.with_borrow_mut(|pool| pool.held += bytes.len());
    bytes
}

/// Its length, never that of a lent one: what comes back is told apart by that.
fn own_len(bytes: usize) -> usize {
    bytes + usize::from(bytes == BUFFER_BYTES)
}

/// Takes a buffer back. One of another size was not lent and is just freed.
fn give_back(bytes: Box<[u8]>) {
    if bytes.is_empty() {
        return;
    }
    // The thread may be ending, its pool gone: the buffer is freed then.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        pool.held = pool.held.saturating_sub(bytes.len());
        if bytes.len() == BUFFER_BYTES {
            pool.lent = pool.lent.saturating_sub(1);
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
        let mut buffer = Buffer::default();
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
        let mut buffer = Buffer::default();
        put(&mut buffer, b"x");
        drop(buffer);
        assert_eq!(lent(), 0);
        assert!(POOL.with_borrow(|pool| pool.free.len()) == 1);
    }

    #[test]
    fn what_was_not_lent_is_not_given_back() {
        let mut borrowed = Buffer::default();
        put(&mut borrowed, b"x");
        for bytes in [BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1] {
            let buffer = Buffer::from(vec![b'y'; bytes]);
            assert_eq!(buffer.filled().len(), bytes);
            drop(buffer);
            assert_eq!(lent(), 1, "{bytes}");
        }
    }

    #[test]
    fn there_is_always_room() {
        let mut buffer = Buffer::default();
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
        let mut buffers: Vec<Buffer> = (0..1000).map(|_| Buffer::default()).collect();
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
        let mut buffer = Buffer::default();
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

    fn filled(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::default();
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
        let other = Buffer::from(vec![b'y'; BUFFER_BYTES]);
        assert_eq!(held_bytes(), 5 + BUFFER_BYTES + 1);
        drop(other);
        put(&mut buffer, b"_ping");
        drop(buffer);
        assert_eq!(held_bytes(), 0);
    }
}
