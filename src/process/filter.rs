//! The system calls of a gate that serves: one line and one reason each. Anything else ends the
//! process.

use super::trap;
use nix::libc;
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};
use std::collections::BTreeMap;
use std::env::consts::ARCH;

/// What is asked of a call's arguments.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Nothing.
    Nothing,
    /// The argument with this index is one of these.
    OneOf(u8, &'static [i32]),
    /// The argument with this index has none of these bits.
    Without(u8, i32),
}

use Asked::{Nothing, OneOf, Without};

/// A call, what is asked of it, and what it is for.
type Line = (libc::c_long, Asked, &'static str);

const TABLE: &[Line] = &[
    // Connections.
    (libc::SYS_accept4, Nothing, "a client comes"),
    (
        libc::SYS_socket,
        OneOf(0, &[libc::AF_UNIX]),
        "to the daemon, and to the audit trail's socket",
    ),
    (libc::SYS_connect, Nothing, "to these two"),
    (libc::SYS_recvfrom, Nothing, "reading"),
    (libc::SYS_sendto, Nothing, "writing"),
    (libc::SYS_shutdown, Nothing, "half-close"),
    (libc::SYS_close, Nothing, "a connection ends"),
    (libc::SYS_splice, Nothing, "large uploads"),
    (libc::SYS_pipe2, Nothing, "what they are spliced through"),
    (
        libc::SYS_fcntl,
        OneOf(1, &[libc::F_SETPIPE_SZ, libc::F_GETFD]),
        "a pipe's size; debug builds look whether a descriptor is open",
    ),
    (libc::SYS_getsockopt, Nothing, "who the peer is, whether it has reset"),
    (libc::SYS_getpeername, Nothing, "who the peer is"),
    (libc::SYS_getsockname, Nothing, "where a listener is"),
    // The runtime.
    (libc::SYS_epoll_ctl, Nothing, "which sockets to wait for"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, Nothing, "waiting"),
    (libc::SYS_epoll_pwait, Nothing, "waiting"),
    (libc::SYS_read, Nothing, "emptying what threads wake each other by, when it is full"),
    (libc::SYS_pread64, Nothing, "the memory that metrics tell of, from an open file of /proc"),
    (libc::SYS_timerfd_settime, Nothing, "deadlines' ticks, pauses"),
    (libc::SYS_write, Nothing, "the log, the audit trail, and waking other threads"),
    (libc::SYS_writev, Nothing, "the log"),
    (libc::SYS_futex, Nothing, "locks between workers; the log's thread and the audit trail's"),
    (libc::SYS_sched_yield, Nothing, "locks between workers"),
    (libc::SYS_clock_gettime, Nothing, "time, where it is no shared page"),
    (libc::SYS_clock_nanosleep, Nothing, "pauses"),
    // Memory.
    (libc::SYS_brk, Nothing, "the heap"),
    (libc::SYS_mmap, Without(2, libc::PROT_EXEC), "the heap; never code"),
    (libc::SYS_mremap, Nothing, "the heap"),
    (libc::SYS_munmap, Nothing, "the heap"),
    (libc::SYS_madvise, Nothing, "the heap"),
    (libc::SYS_mprotect, Without(2, libc::PROT_EXEC), "the heap of a thread; never code"),
    (libc::SYS_getrandom, Nothing, "hash seeds"),
    // Saying what is wrong with the socket: its owner and mode, not its content.
    (libc::SYS_statx, Nothing, "whose the socket is"),
    (libc::SYS_newfstatat, Nothing, "whose the socket is"),
    (libc::SYS_getuid, Nothing, "who we are"),
    (libc::SYS_geteuid, Nothing, "who we are"),
    (libc::SYS_getegid, Nothing, "who we are"),
    // Signals and the end.
    (libc::SYS_rt_sigreturn, Nothing, "a signal has been handled"),
    (libc::SYS_rt_sigprocmask, Nothing, "a thread ends"),
    (libc::SYS_sigaltstack, Nothing, "a thread ends"),
    (libc::SYS_gettid, Nothing, "panics, aborting"),
    (libc::SYS_getpid, Nothing, "aborting"),
    (libc::SYS_tgkill, Nothing, "aborting"),
    (libc::SYS_restart_syscall, Nothing, "going on after a stop"),
    (libc::SYS_exit, Nothing, "a thread ends"),
    (libc::SYS_exit_group, Nothing, "the end"),
];

/// Calls that get a no instead of an end. glibc's allocator reads a setting of the kernel's when it
/// gives memory back (`malloc/arena.c`, `shrink_heap`), and goes on without it.
const REFUSED: &[(libc::c_long, i32)] = &[(libc::SYS_openat, libc::EACCES)];

/// Puts every thread behind the table; with `log` what is not in it is only logged by the kernel.
///
/// # Errors
/// What stands against it, in words.
pub fn apply(log: bool) -> Result<(), Box<dyn std::error::Error>> {
    let otherwise = if log {
        SeccompAction::Log
    } else {
        trap::catch()?;
        SeccompAction::Trap
    };
    let mut rules = BTreeMap::new();
    for &(call, asked, _) in TABLE {
        rules.insert(call, asked.rules()?);
    }
    // Of several filters the strictest answer counts: what the table's lets pass another refuses.
    // The table's comes last, since putting up a filter is itself no call of it.
    for &(call, errno) in REFUSED.iter().filter(|_| !log) {
        rules.insert(call, Vec::new());
        let refuse = SeccompAction::Errno(errno.cast_unsigned());
        put_up(BTreeMap::from([(call, Vec::new())]), SeccompAction::Allow, refuse)?;
    }
    put_up(rules, otherwise, SeccompAction::Allow)
}

fn put_up(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    listed: SeccompAction,
) -> Result<(), Box<dyn std::error::Error>> {
    let filter = SeccompFilter::new(rules, otherwise, listed, TargetArch::try_from(ARCH)?)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program)?;
    Ok(())
}

impl Asked {
    /// The rules of which one must hold; none are needed where nothing is asked.
    fn rules(self) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        let rule = |index, operator, value: i32| {
            let value = u64::from(value.cast_unsigned());
            let condition = SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)?;
            SeccompRule::new(vec![condition])
        };
        match self {
            Nothing => Ok(Vec::new()),
            OneOf(index, values) => {
                values.iter().map(|&value| rule(index, SeccompCmpOp::Eq, value)).collect()
            }
            Without(index, bits) => {
                let mask = SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned()));
                Ok(vec![rule(index, mask, 0)?])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_containers_profile_lets_every_call_of_the_table_pass() {
        let profile = include_str!("../../deploy/seccomp.json");
        let profile: serde_json::Value = serde_json::from_str(profile).expect("JSON");
        let groups = profile["syscalls"].as_array().expect("groups of calls");
        let names: Vec<&str> = groups
            .iter()
            .filter(|group| group["action"] == "SCMP_ACT_ALLOW")
            .flat_map(|group| group["names"].as_array().into_iter().flatten())
            .filter_map(serde_json::Value::as_str)
            .collect();
        for &(call, _, reason) in TABLE {
            let call = usize::try_from(call).ok().and_then(syscalls::Sysno::new).expect("a call");
            assert!(names.contains(&call.name()), "{call}: {reason}");
        }
    }

    #[test]
    fn no_call_is_listed_twice_and_none_makes_programs_files_or_other_sockets() {
        for (index, (call, _, reason)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..index].iter().any(|(other, _, _)| other == call), "{reason}");
        }
        for never in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_openat,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_ptrace,
            libc::SYS_prctl,
            libc::SYS_setuid,
            libc::SYS_ioctl,
            libc::SYS_io_uring_setup,
        ] {
            assert!(TABLE.iter().all(|&(call, _, _)| call != never), "{never}");
        }
    }
}
