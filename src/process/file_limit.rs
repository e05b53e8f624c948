//! The limit of open files, and how many connections it has room for.

use crate::proxy::pipe::PIPES_MAX;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are not connections: standard ones, signals, and some to look at the socket
/// when something is wrong.
const RESERVED_FILES: u64 = 16;

/// A worker's own: its runtime's five, its listeners, and for each of them a client that waits for a
/// place.
const FILES_PER_WORKER: u64 = 16;

/// A connection's own, its client's and its daemon's.
const FILES_PER_CONNECTION: u64 = 2;

/// Clients that have as many connections as they may have, and read that of one more.
const REFUSED_MAX: u64 = 32;

/// More connections than this are not counted on, whatever the file limit.
const CONNECTIONS_MAX: u64 = 1 << 20;

/// Raises the soft file limit to the hard one and returns it. Nothing is allocated for it.
#[must_use]
pub fn raise() -> u64 {
    const FALLBACK: u64 = 1024;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return FALLBACK };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// How many connections fit a file limit.
#[must_use]
pub fn connections_max(files: u64, workers: usize) -> usize {
    let workers = workers as u64;
    // Pipes are few where files are: whoever gets none copies.
    let pipes = (2 * PIPES_MAX as u64 * workers).min(files / 8);
    let reserved = RESERVED_FILES + FILES_PER_WORKER * workers + pipes + refused_max(files) as u64;
    let connections =
        (files.saturating_sub(reserved) / FILES_PER_CONNECTION).clamp(1, CONNECTIONS_MAX);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// How many clients may be told that they have too many connections, beside those.
#[must_use]
pub fn refused_max(files: u64) -> usize {
    usize::try_from((files / REFUSED_MAX).clamp(1, REFUSED_MAX)).unwrap_or(1)
}
