//! Socket activation, `sd_listen_fds(3)`: listeners that a service manager has opened are adopted
//! in place of `LISTEN`, so that a unit's socket is there before the gate and outlives its restart.

use crate::http::number::decimal;
use crate::proxy::listener::Listener;
use nix::sys::socket::{SockaddrStorage, getsockname};
use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

/// `SD_LISTEN_FDS_START`: the first descriptor that is handed over.
const FIRST: RawFd = 3;

/// Nobody hands over more.
const COUNT_MAX: u64 = 64;

/// Takes the listeners that were handed over to this process; none where nobody did, and none the
/// second time. To be called before anything else is opened.
///
/// # Errors
/// What was handed over is not what it is said to be.
pub fn adopted() -> io::Result<Vec<Listener>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let (pid, count) = (env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS"));
    let count = announced(pid.as_deref(), count.as_deref(), process::id())?;
    if count == 0 || TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    (FIRST..FIRST.saturating_add(count)).map(adopt).collect()
}

/// How many descriptors are for us. Variables for another process are an inheritance and mean
/// nothing.
fn announced(pid: Option<&OsStr>, count: Option<&OsStr>, own: u32) -> io::Result<RawFd> {
    let number = |text: &OsStr| decimal(text.as_encoded_bytes());
    let (Some(pid), Some(count)) = (pid, count) else { return Ok(0) };
    if number(pid) != Some(u64::from(own)) {
        return Ok(0);
    }
    let sound = number(count).filter(|&count| count <= COUNT_MAX);
    sound.and_then(|count| RawFd::try_from(count).ok()).ok_or_else(|| {
        let why = format!("LISTEN_FDS={} is no number of descriptors", count.display());
        io::Error::new(io::ErrorKind::InvalidInput, why)
    })
}

fn adopt(fd: RawFd) -> io::Result<Listener> {
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("descriptor {fd} of LISTEN_FDS: {error}"))
    };
    // A number that is no open socket ends here.
    getsockname::<SockaddrStorage>(fd).map_err(|errno| explain(errno.into()))?;
    // SAFETY: the descriptor is open, as getsockname has shown; LISTEN_PID says that it was handed
    // over to this very process; TAKEN sees to it that it gets one owner.
    #[expect(unsafe_code, reason = "descriptors are handed over as numbers")]
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    Listener::adopt(fd).map_err(explain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pid: Option<&str>, count: Option<&str>) -> io::Result<RawFd> {
        announced(pid.map(OsStr::new), count.map(OsStr::new), 42)
    }

    #[test]
    fn only_what_is_for_this_process_is_taken() {
        for (pid, announced, taken) in [
            (Some("42"), Some("2"), 2),
            (Some("42"), Some("0"), 0),
            (Some("42"), None, 0),
            (None, Some("2"), 0),
            (Some("43"), Some("2"), 0),
            (Some(""), Some("2"), 0),
            (Some("43"), Some("many"), 0),
        ] {
            assert_eq!(count(pid, announced).expect("sound"), taken, "{pid:?} {announced:?}");
        }
    }

    #[test]
    fn a_count_that_is_none_is_an_error() {
        for bad in ["", "-1", "+1", "1 ", "65", "99999999999999999999"] {
            let error = count(Some("42"), Some(bad)).expect_err(bad);
            assert!(error.to_string().contains("LISTEN_FDS="), "{error}");
        }
    }
}
