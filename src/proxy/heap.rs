//! Giving the allocator's free memory back to the kernel.

/// Gives free pages of the heap back (`malloc_trim`(3)). glibc does that by itself only at the heap's end,
/// so that what a crowd of clients had would stay resident below a single block that is in use.
///
/// It takes the allocator's locks and some 10 µs per MiB of free memory: for rare occasions.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) has no precondition; it is MT-safe and touches free memory alone.
    #[expect(unsafe_code, reason = "a function of the C library without a safe wrapper")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}
