//! A bounded queue of lines and the thread that writes them: whoever has something to say never
//! waits for whoever reads it. Where the queue is full lines are lost, which is counted, and said as
//! soon as there is room.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What is kept of the queue's memory when it is empty, in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// How long the thread waits where what it writes to is non-blocking and full.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the thread rests when it has written: whoever has something to say meanwhile need not wake
/// it, and many lines are one write. It is parked for that, which takes no system call but a futex's.
const REST: Duration = Duration::from_millis(1);

/// A queue of lines that a thread of its own writes.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    bytes_max: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Rung for the thread: there is something to write.
    filled: Condvar,
    /// Rung by the thread: everything is written.
    emptied: Condvar,
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Lines that had no room since that was last said.
    lost: u64,
    /// The thread waits, and has nothing in its hands.
    asleep: bool,
    /// Somebody waits for everything to be written.
    awaited: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread, of this name, and waits until it is there. It writes what is queued to
    /// `out`; `say_lost` makes the line that says how many were lost.
    ///
    /// # Errors
    /// No thread can be made.
    pub fn start(
        name: &str,
        out: impl Write + Send + 'static,
        bytes_max: usize,
        say_lost: impl Fn(u64) -> Vec<u8> + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        });
        let writer = Self { shared: Arc::clone(&shared), bytes_max };
        thread::Builder::new().name(name.to_owned()).spawn(move || shared.write(out, say_lost))?;
        writer.finish(Duration::MAX);
        Ok(writer)
    }

    /// Queues a line, its end included; where there is no room it is lost. It costs no system call
    /// while the thread is busy or rests, and one where it must be woken.
    pub fn push(&self, line: &[u8]) {
        let mut queue = self.shared.lock();
        if queue.bytes.len() + line.len() > self.bytes_max {
            queue.lost += 1;
        } else {
            queue.bytes.extend_from_slice(line);
        }
        let wake = mem::take(&mut queue.asleep);
        drop(queue);
        if wake {
            self.shared.filled.notify_one();
        }
    }

    /// Waits until everything is written, but not longer than that; whether it is.
    pub fn finish(&self, patience: Duration) -> bool {
        let deadline = Instant::now().checked_add(patience);
        let mut queue = self.shared.lock();
        while !queue.asleep {
            queue.awaited = true;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            queue = match left {
                Some(Duration::ZERO) => return false,
                Some(left) => {
                    let waited = self.shared.emptied.wait_timeout(queue, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.shared.emptied.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        true
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does.
    fn write(&self, mut out: impl Write, say_lost: impl Fn(u64) -> Vec<u8>) {
        let mut batch = Vec::new();
        loop {
            let lost = self.take(&mut batch);
            write_patiently(&mut out, &batch);
            if lost > 0 {
                write_patiently(&mut out, &say_lost(lost));
            }
            batch.clear();
            batch.shrink_to(KEPT_BYTES_MAX);
            thread::park_timeout(REST);
        }
    }

    /// Waits for something to write; how many lines are missing after it.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let mut queue = self.lock();
        while queue.bytes.is_empty() && queue.lost == 0 {
            queue.asleep = true;
            if mem::take(&mut queue.awaited) {
                self.emptied.notify_all();
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.asleep = false;
        mem::swap(&mut queue.bytes, batch);
        mem::take(&mut queue.lost)
    }
}

/// Writes all of it. What nobody will ever read is dropped: there is nobody to tell.
fn write_patiently(out: &mut impl Write, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(count) if count > 0 => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::park_timeout(PAUSE),
            Ok(_) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, PipeReader};

    const LINE: &[u8] = b"123456789\n";

    fn say_lost(count: u64) -> Vec<u8> {
        format!("lost {count}\n").into_bytes()
    }

    fn writer(bytes_max: usize) -> (PipeReader, Writer) {
        let (reader, out) = io::pipe().expect("a pipe");
        (reader, Writer::start("writer", out, bytes_max, say_lost).expect("a thread"))
    }

    #[test]
    fn what_is_queued_is_written_in_order_and_finishing_waits_for_it() {
        let (reader, writer) = writer(1 << 16);
        for count in 0..1000 {
            writer.push(format!("{count}\n").as_bytes());
        }
        assert!(writer.finish(Duration::from_secs(10)));
        let lines = BufReader::new(reader).lines().take(1000);
        for (count, line) in lines.enumerate() {
            assert_eq!(line.expect("a line"), count.to_string());
        }
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_nobodys_time() {
        const QUEUE_BYTES: usize = 128 * 1024;
        const LINES: u64 = 100_000;
        let (reader, writer) = writer(QUEUE_BYTES);
        let begun = Instant::now();
        for _ in 0..LINES {
            writer.push(LINE);
        }
        assert!(!writer.finish(Duration::from_millis(50)), "a pipe takes less than a megabyte");
        assert!(begun.elapsed() < Duration::from_secs(5));
        let (mut told, mut lost) = (0, 0);
        for line in BufReader::new(reader).lines() {
            let line = line.expect("a line");
            match line.strip_prefix("lost ") {
                Some(count) => lost += count.parse::<u64>().expect("a number"),
                None => told += 1,
            }
            if told + lost == LINES {
                break;
            }
        }
        assert!(lost > 0 && told > 0, "{told} told, {lost} lost");
    }

    #[test]
    fn nobody_to_write_to_is_no_end() {
        let (reader, writer) = writer(1000);
        drop(reader);
        for _ in 0..10 {
            writer.push(LINE);
            assert!(writer.finish(Duration::from_secs(10)));
        }
    }
}
