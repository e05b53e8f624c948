//! The log, on standard error: lines for people, or one JSON object a line for programs.
//!
//! Lines go straight out until the process serves, and through a queue from then on: a reader that
//! does not read costs lines, not the time of clients.

use super::writer::Writer;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::OnceLock;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::warn;

/// What waits to be written, in bytes at the most.
const QUEUE_BYTES_MAX: usize = 256 * 1024;

/// How long the end of the process waits for a reader that does not read.
const PATIENCE: Duration = Duration::from_secs(1);

/// The levels by the names that the ancestors' users know (syslog's), in any case.
pub const LEVELS: [(&str, LevelFilter); 8] = [
    ("debug", LevelFilter::DEBUG),
    ("info", LevelFilter::INFO),
    ("notice", LevelFilter::INFO),
    ("warning", LevelFilter::WARN),
    ("err", LevelFilter::ERROR),
    ("crit", LevelFilter::ERROR),
    ("alert", LevelFilter::ERROR),
    ("emerg", LevelFilter::ERROR),
];

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// The words of `LOG_FORMAT`.
    pub const WORDS: [(&'static str, Self); 2] = [("text", Self::Text), ("json", Self::Json)];
}

/// The queue, once there is one.
static QUEUE: OnceLock<Writer> = OnceLock::new();

thread_local! {
    /// Where this thread's line is put instead, for the moment.
    static ASIDE: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The log of a process; in the end, what is queued is written.
#[derive(Debug)]
#[must_use]
pub struct Log(());

impl Log {
    /// Begins to log. To be called once.
    pub fn begin(level: LevelFilter, format: Format) -> Self {
        let log = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(|| Line)
            .with_ansi(false)
            .with_target(false);
        match format {
            Format::Text => log.init(),
            Format::Json => log.json().flatten_event(true).init(),
        }
        Self(())
    }
}

/// Has lines written by a thread of its own from now on. To be called while threads can be made, and
/// when what threads inherit is settled.
///
/// # Errors
/// No thread or descriptor can be made.
pub fn queue() -> io::Result<()> {
    // Past std's lock: it is held while a write waits, and a panic must be able to speak.
    let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let writer = Writer::start("log", out, QUEUE_BYTES_MAX, lost_line)?;
    // Only the first is ever set.
    let _ = QUEUE.set(writer);
    Ok(())
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(queue) = QUEUE.get() {
            queue.finish(PATIENCE);
        }
    }
}

/// One line on its way; it comes in one piece.
struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shown = one_line(line);
        let written = ASIDE.with_borrow_mut(|aside| match (aside, QUEUE.get()) {
            (Some(aside), _) => aside.write_all(&shown),
            (None, Some(queue)) => {
                queue.push(&shown);
                Ok(())
            }
            (None, None) => io::stderr().write_all(&shown),
        });
        written.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line that says how many were lost, as any other is written.
fn lost_line(lost: u64) -> Vec<u8> {
    ASIDE.set(Some(Vec::new()));
    warn!(lost, "{lost} lines of the log were lost: nobody has read them in time");
    ASIDE.take().unwrap_or_default()
}

/// A line stays one, and does nothing to a terminal, whatever is in it. Peers' bytes are escaped
/// where they are read; this is for what nobody has thought of.
fn one_line(line: &[u8]) -> Cow<'_, [u8]> {
    let (text, end) = match line.split_last() {
        Some((b'\n', text)) => (text, "\n"),
        Some(_) | None => (line, ""),
    };
    if text.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 16);
    for character in String::from_utf8_lossy(text).chars() {
        if character.is_control() {
            // A String takes whatever is written to it.
            let _ = write!(shown, "{}", character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown.push_str(end);
    Cow::Owned(shown.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        for (line, shown) in [
            ("plain\n", "plain\n"),
            ("no end", "no end"),
            ("a\nb\rc\n", "a\\u{a}b\\u{d}c\n"),
            ("\u{1b}[31m\u{9b}\n", "\\u{1b}[31m\\u{9b}\n"),
            ("grün\n", "grün\n"),
            ("", ""),
        ] {
            assert_eq!(one_line(line.as_bytes()), shown.as_bytes(), "{line:?}");
        }
        assert_eq!(one_line(b"\xff\n"), "\u{fffd}\n".as_bytes());
    }
}
