//! What happens when a system call is not in the table: it is named in the log, and the process
//! ends. The kernel itself would end it without a word.

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// The exit status of a process that SIGSYS ends, as a shell shows it.
const EXIT_STATUS: libc::c_int = 128 + libc::SIGSYS;

/// Where the kernel puts the number of the call (`include/uapi/asm-generic/siginfo.h`, `_sigsys`):
/// after three ints and, aligned, the address of the instruction.
const CALL_OFFSET: usize = 24;

/// Catches what the filter refuses.
///
/// # Errors
/// See sigaction(2).
pub fn catch() -> nix::Result<()> {
    let action = SigAction::new(SigHandler::SigAction(refused), SaFlags::SA_SIGINFO, SigSet::all());
    // SAFETY: the handler calls nothing but write(2) and _exit(2), which are async-signal-safe
    // (signal-safety(7)), and touches no memory but its own and the information it is given.
    #[expect(unsafe_code, reason = "a signal handler")]
    let result = unsafe { sigaction(Signal::SIGSYS, &action) };
    result.map(|_| ())
}

extern "C" fn refused(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo_t, which is larger than the offset;
    // for SIGSYS there is an int.
    #[expect(unsafe_code, reason = "libc has no name for this part of a siginfo_t")]
    let call = unsafe { info.cast::<u8>().add(CALL_OFFSET).cast::<libc::c_int>().read_unaligned() };
    let mut line = Line { bytes: [0; 160], length: 0 };
    line.push(b"dockgate: ended: system call ");
    line.push_number(call.unsigned_abs());
    if let Some(call) = usize::try_from(call).ok().and_then(syscalls::Sysno::new) {
        line.push(b" (");
        line.push(call.name().as_bytes());
        line.push(b")");
    }
    line.push(
        b" is not in the sandbox's table; SANDBOX=log lets it pass and has the kernel log it\n",
    );
    // SAFETY: the buffer is as long as said; both calls are async-signal-safe.
    #[expect(unsafe_code, reason = "std's output may allocate or lock")]
    unsafe {
        libc::write(libc::STDERR_FILENO, line.bytes.as_ptr().cast(), line.length);
        libc::_exit(EXIT_STATUS)
    }
}

/// A line that is put together without allocating.
struct Line {
    bytes: [u8; 160],
    length: usize,
}

impl Line {
    fn push(&mut self, text: &[u8]) {
        for &byte in text {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
        }
    }

    fn push_number(&mut self, number: u32) {
        let mut divisor = 1_000_000_000;
        while divisor > 1 && number / divisor == 0 {
            divisor /= 10;
        }
        while divisor > 0 {
            // A digit fits a byte.
            self.push(&[b'0' + u8::try_from(number / divisor % 10).unwrap_or_default()]);
            divisor /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_allocating() {
        for number in [0, 7, 10, 257, 4_294_967_295] {
            let mut line = Line { bytes: [0; 160], length: 0 };
            line.push_number(number);
            assert_eq!(&line.bytes[..line.length], number.to_string().as_bytes());
        }
    }
}
