//! A process of our own behind the gate's sandbox, which tries what nobody behind it may.

use super::Proof;
use super::gate::{Gate, Place, same, says, skipped};
use dockgate::process::sandbox::{Sandbox, take_calls, take_files};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
};
use libtest_mimic::Failed;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use std::ffi::c_void;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitCode, Output};

pub const PROOFS: &[Proof] = &[
    ("files can't be read, written, made or removed", files),
    ("a call that is not in the table ends the process and is named", unlisted_calls),
    ("arguments that are not in the table do too", arguments),
    ("SANDBOX=log lets calls pass", logged),
    ("a kernel without Landlock, or without seccomp, is said and served on", on_an_older_kernel),
];

/// What a victim does.
#[derive(Clone, Copy)]
pub struct Deed {
    name: &'static str,
    sandbox: Option<Sandbox>,
    act: fn() -> Result<(), String>,
}

const DEEDS: &[Deed] = &[
    Deed { name: "victim-files", sandbox: None, act: try_files },
    Deed { name: "victim-open", sandbox: Some(Sandbox::Strict), act: open },
    Deed { name: "victim-exec", sandbox: Some(Sandbox::Strict), act: exec },
    Deed { name: "victim-kill", sandbox: Some(Sandbox::Strict), act: kill },
    Deed { name: "victim-setuid", sandbox: Some(Sandbox::Strict), act: setuid },
    Deed { name: "victim-internet", sandbox: Some(Sandbox::Strict), act: internet },
    Deed { name: "victim-code", sandbox: Some(Sandbox::Strict), act: code },
    Deed { name: "victim-unix", sandbox: Some(Sandbox::Strict), act: unix },
    Deed { name: "older-kernel", sandbox: Some(Sandbox::Off), act: be_older },
    Deed { name: "victim-logged", sandbox: Some(Sandbox::Log), act: open },
];

pub fn deed(name: &str) -> Option<Deed> {
    DEEDS.iter().copied().find(|deed| deed.name == name)
}

/// Goes behind the sandbox and does the deed.
pub fn suffer(deed: Deed) -> ExitCode {
    let taken = match deed.sandbox {
        Some(Sandbox::Off) => Ok(""),
        None => take_files(&[Path::new("/nonexistent/docker.sock")]),
        Some(sandbox) => take_calls(sandbox),
    };
    match taken.and_then(|_| (deed.act)()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn play(name: &str) -> Result<Output, Failed> {
    Ok(Command::new(std::env::current_exe()?).arg(name).output()?)
}

fn files() -> Result<(), Failed> {
    if exact().handle_access(AccessFs::from_all(ABI::V1)).is_err() {
        return skipped("this kernel has no Landlock").map(drop);
    }
    let output = play("victim-files")?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    same("what could be done", &errors, "")?;
    same("status", &format!("{:?}", output.status.code()), "Some(0)")
}

/// A ruleset that takes only what this kernel has.
fn exact() -> Ruleset {
    Ruleset::default().set_compatibility(CompatLevel::HardRequirement)
}

/// Each must be refused.
fn try_files() -> Result<(), String> {
    // Linux 6.7; before it the table of system calls alone keeps TCP away.
    let has_net = exact().handle_access(AccessNet::from_all(ABI::V4)).is_ok();
    let own = std::env::temp_dir().join(format!("dockgate-victim-{}", std::process::id()));
    let refused = [
        ("open /etc/passwd", fs::File::open("/etc/passwd").is_err()),
        ("list /", fs::read_dir("/").is_err()),
        ("open itself", fs::File::open("/proc/self/status").is_err()),
        ("make a file", fs::File::create(&own).is_err()),
        ("make a directory", fs::create_dir(&own).is_err()),
        ("execute", Command::new("/bin/true").status().is_err()),
        (
            "connect",
            !has_net
                || std::net::TcpStream::connect("127.0.0.1:9")
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied),
        ),
        ("bind", !has_net || std::net::TcpListener::bind("127.0.0.1:0").is_err()),
    ];
    let done: Vec<&str> =
        refused.iter().filter(|(_, refused)| !refused).map(|(what, _)| *what).collect();
    if done.is_empty() { Ok(()) } else { Err(done.join(", ")) }
}

fn ends(name: &str, call: &str) -> Result<(), Failed> {
    let output = play(name)?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    says(&errors, &format!("({call}) is not in the sandbox's table"))?;
    same(name, &format!("{:?}", output.status.code()), &format!("Some({})", 128 + libc::SIGSYS))
}

fn unlisted_calls() -> Result<(), Failed> {
    // Not even where there is no Landlock: the allocator may ask, and gets a no.
    let output = play("victim-open")?;
    says(&String::from_utf8_lossy(&output.stderr), "Permission denied")?;
    same("open", &format!("{:?}", output.status.code()), "Some(1)")?;
    ends("victim-setuid", "setresuid")?;
    ends("victim-kill", "kill")?;
    // Making a process blocks every signal first: there the kernel ends it without a word.
    let status = play("victim-exec")?.status;
    same("exec", &format!("{:?}", status.signal()), &format!("Some({})", libc::SIGSYS))
}

fn arguments() -> Result<(), Failed> {
    ends("victim-internet", "socket")?;
    ends("victim-code", "mmap")?;
    let output = play("victim-unix")?;
    same("a unix socket", &format!("{:?}", output.status.code()), "Some(0)")
}

fn logged() -> Result<(), Failed> {
    same("status", &format!("{:?}", play("victim-logged")?.status.code()), "Some(0)")
}

fn on_an_older_kernel() -> Result<(), Failed> {
    let own = std::env::current_exe()?.display().to_string();
    for (missing, said) in [
        ("landlock", "could not drop: the file system (Landlock: not supported by this kernel)"),
        ("seccomp", "system calls (seccomp:"),
    ] {
        let place = Place::new()?;
        place.daemon(0, 998, 0o660)?;
        let gate = Gate::start(&[&own, "older-kernel", missing], &place, &[])?;
        says(&gate.log(), said)?;
        says(&gate.log(), "user=65534")?;
        same("ping", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")?;
    }
    Ok(())
}

/// Becomes the program that is named, on a kernel that has not the calls of the other word.
fn be_older() -> Result<(), String> {
    let mut words = std::env::args().skip(2);
    let (missing, program) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let calls: &[libc::c_long] = match missing.as_str() {
        "landlock" => &[
            libc::SYS_landlock_create_ruleset,
            libc::SYS_landlock_add_rule,
            libc::SYS_landlock_restrict_self,
        ],
        _ => &[libc::SYS_seccomp],
    };
    let refuse = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let rules = calls.iter().map(|&call| (call, Vec::new())).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch);
    let program_of = filter.and_then(BpfProgram::try_from).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&program_of).map_err(|error| error.to_string())?;
    Err(Command::new(program).exec().to_string())
}

fn open() -> Result<(), String> {
    fs::File::open("/etc/passwd").map(drop).map_err(|error| error.to_string())
}

fn exec() -> Result<(), String> {
    Command::new("/bin/true").status().map(drop).map_err(|error| error.to_string())
}

fn kill() -> Result<(), String> {
    nix::sys::signal::kill(nix::unistd::getpid(), None).map_err(|error| error.to_string())
}

fn setuid() -> Result<(), String> {
    let root = nix::unistd::Uid::from_raw(0);
    nix::unistd::setresuid(root, root, root).map_err(|error| error.to_string())
}

fn internet() -> Result<(), String> {
    open_socket(AddressFamily::Inet)
}

fn unix() -> Result<(), String> {
    open_socket(AddressFamily::Unix)
}

fn open_socket(family: AddressFamily) -> Result<(), String> {
    socket(family, SockType::Stream, SockFlag::empty(), None)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn code() -> Result<(), String> {
    let length = NonZeroUsize::new(4096).ok_or("a length")?;
    let protection = libc::PROT_READ | libc::PROT_EXEC;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a fresh anonymous mapping, which nobody uses.
    #[expect(unsafe_code, reason = "mmap(2) itself is what is tried")]
    let at: *mut c_void =
        unsafe { libc::mmap(std::ptr::null_mut(), length.get(), protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err("mmap failed".to_owned()) } else { Ok(()) }
}
