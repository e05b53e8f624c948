//! Who the gate is when it serves, by what it was started as and who may open the socket.

use super::Proof;
use super::gate::{Gate, Place, lacks, same, says};
use libtest_mimic::Failed;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

pub const PROOFS: &[Proof] = &[
    ("root gives up everything but the socket's group", to_the_sockets_group),
    ("who may open the socket decides what is kept", by_owner_group_and_mode),
    ("a directory that only its owner may search decides too", by_directory),
    ("another user and group can be asked for", run_as),
    ("a plain user stays what it is and says so", as_a_user),
    ("root without CAP_SETUID says what it can't give up", without_setuid),
    ("root with no capability at all starts", without_any_capability),
    ("a user namespace with one user in it is enough", in_a_user_namespace),
    ("a low port is bound before root is given up", low_port),
    ("signals end a gate whose parent has blocked them", signals_blocked),
    ("no-new-privileges and a read-only root change nothing", already_hardened),
    ("a huge file limit costs no memory", huge_file_limit),
    ("SANDBOX=off keeps files and calls, not privileges", sandbox_off),
    ("several workers are all behind the filter", several_workers),
];

const NONE: &str = "0000000000000000";

/// Nothing is left that a kernel could give.
fn is_bare(gate: &Gate) -> Result<(), Failed> {
    let status = gate.status()?;
    for set in ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"] {
        same(set, status.get(set).map_or("", String::as_str), NONE)?;
    }
    same("NoNewPrivs", &status["NoNewPrivs"], "1")?;
    same("Seccomp", &status["Seccomp"], "2")?;
    same("ping", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")
}

fn is_user(gate: &Gate, uid: u32, gid: u32, groups: &str) -> Result<(), Failed> {
    let status = gate.status()?;
    // Real, effective, saved, and the file system's.
    same("Uid", &status["Uid"], &format!("{uid} {uid} {uid} {uid}"))?;
    same("Gid", &status["Gid"], &format!("{gid} {gid} {gid} {gid}"))?;
    same("Groups", &status["Groups"], groups)
}

fn to_the_sockets_group() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[])?;
    is_user(&gate, 65_534, 65_534, "998")?;
    is_bare(&gate)?;
    says(&gate.log(), "dropped privileges: user=65534 group=65534 groups=998")?;
    says(&gate.log(), "Landlock: ")?;
    same("core limit", &limit(&gate, "Max core file size")?, "0 0 bytes")
}

fn limit(gate: &Gate, name: &str) -> Result<String, Failed> {
    let pid = gate.status()?["Pid"].clone();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn by_owner_group_and_mode() -> Result<(), Failed> {
    for (owner, group, mode, uid, groups) in [
        (0, 998, 0o660, 65_534, "998"),
        (0, 0, 0o660, 65_534, "0"),
        (0, 0, 0o666, 65_534, ""),
        (0, 998, 0o600, 0, ""),
        (1000, 1000, 0o600, 1000, ""),
        (1000, 1000, 0o660, 65_534, "1000"),
        (65_534, 0, 0o600, 65_534, ""),
        (0, 65_534, 0o660, 65_534, ""),
        (0, 65_534, 0o602, 0, ""),
    ] {
        let place = Place::new()?;
        place.daemon(owner, group, mode)?;
        let gate = Gate::start(&["env"], &place, &[])?;
        let what = format!("{owner}:{group} {mode:o}: {}", gate.log());
        is_user(&gate, uid, 65_534, groups)
            .and_then(|()| is_bare(&gate))
            .map_err(|why| format!("{what}: {}", why.message().unwrap_or_default()))?;
        if uid == 0 {
            says(&gate.log(), "could not drop: user 0, without capabilities")?;
        }
    }
    Ok(())
}

fn by_directory() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o700))?;
    let gate = Gate::start(&["env"], &place, &[])?;
    is_user(&gate, 0, 65_534, "")?;
    is_bare(&gate)
}

fn run_as() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[("RUN_AS", "1234:4321")])?;
    is_user(&gate, 1234, 4321, "998")?;
    is_bare(&gate)
}

fn as_a_user() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let words = ["setpriv", "--reuid=2000", "--regid=998", "--clear-groups"];
    let gate = Gate::start(&words, &place, &[])?;
    is_user(&gate, 2000, 998, "")?;
    says(&gate.log(), "already running as user 2000")?;
    let status = gate.status()?;
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        same(set, &status[set], NONE)?;
    }
    // Only CAP_SETPCAP could clear this one, and nothing that is executed can have it.
    says(&gate.log(), "capability bounding set left in place")?;
    same("NoNewPrivs", &status["NoNewPrivs"], "1")?;
    same("ping", gate.ping()?.lines().next().unwrap_or_default(), "HTTP/1.1 200 OK")
}

fn without_setuid() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 0, 0o660)?;
    let words = ["setpriv", "--bounding-set=-setuid,-setgid"];
    let gate = Gate::start(&words, &place, &[])?;
    is_user(&gate, 0, 0, &gate.status()?["Groups"])?;
    is_bare(&gate)?;
    says(&gate.log(), "user 0 (setresuid: EPERM")
}

fn without_any_capability() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 0, 0o660)?;
    let words = ["setpriv", "--bounding-set=-all", "--no-new-privs"];
    let gate = Gate::start(&words, &place, &[])?;
    is_bare(&gate)
}

fn in_a_user_namespace() -> Result<(), Failed> {
    let words = ["unshare", "--user", "--map-root-user"];
    if lacks(&[&words[..], &["true"]].concat())? {
        return Ok(());
    }
    let place = Place::new()?;
    place.daemon(0, 0, 0o660)?;
    let gate = Gate::start(&words, &place, &[])?;
    is_bare(&gate)?;
    says(&gate.log(), "could not drop:")
}

fn low_port() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[("LISTEN", "127.3.2.1:81")])?;
    is_user(&gate, 65_534, 65_534, "998")?;
    is_bare(&gate)
}

fn already_hardened() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let words = [
        "setpriv",
        "--reuid=65534",
        "--regid=998",
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
    ];
    let gate = Gate::start(&words, &place, &[])?;
    is_user(&gate, 65_534, 998, "")?;
    is_bare(&gate)?;
    let without_landlock =
        "could not drop: the file system (Landlock: not supported by this kernel)";
    let log = gate.log().replace(without_landlock, "");
    if log.contains("could not drop") { Err(log.into()) } else { Ok(()) }
}

fn signals_blocked() -> Result<(), Failed> {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let place = Place::new()?;
        place.daemon(0, 998, 0o660)?;
        let words = ["env", "--block-signal=TERM", "--block-signal=INT"];
        let mut gate = Gate::start(&words, &place, &[])?;
        kill(Pid::from_raw(gate.status()?["Pid"].parse()?), signal)?;
        same("exit status", &format!("{:?}", gate.wait()?.code()), "Some(0)")?;
    }
    Ok(())
}

fn huge_file_limit() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    // The most that this process may give on; where it is a billion, as in some containers, some
    // programs allocate for each.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let limit = format!("--nofile={most}:{most}");
    let gate = Gate::start(&["prlimit", &limit], &place, &[])?;
    is_bare(&gate)?;
    let resident = gate.status()?["VmRSS"].clone();
    let kib: u64 = resident.trim_end_matches(" kB").parse()?;
    if kib < 40 * 1024 { Ok(()) } else { Err(format!("{resident} with {limit}").into()) }
}

fn sandbox_off() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[("SANDBOX", "off")])?;
    is_user(&gate, 65_534, 65_534, "998")?;
    same("Seccomp", &gate.status()?["Seccomp"], "0")?;
    same("CapBnd", &gate.status()?["CapBnd"], NONE)?;
    says(&gate.log(), "could not drop: system calls and files (SANDBOX=off)")
}

fn several_workers() -> Result<(), Failed> {
    let place = Place::new()?;
    place.daemon(0, 998, 0o660)?;
    let gate = Gate::start(&["env"], &place, &[("WORKERS", "4")])?;
    is_bare(&gate)?;
    let pid = gate.status()?["Pid"].clone();
    let mut threads = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        for words in ["Seccomp:\t2", "NoNewPrivs:\t1", "CapBnd:\t0000000000000000", "Uid:\t65534"] {
            says(&status, words)?;
        }
        threads += 1;
    }
    // One writes the log.
    same("threads", &threads.to_string(), "5")
}
