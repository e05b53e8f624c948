//! The sandbox: no file system and no outgoing TCP (Landlock), and only the system calls of
//! [`super::filter`]. What the kernel can't do is said and done without.

use super::filter;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::fs;
use std::path::Path;

/// The newest interface whose rights are known here; older kernels get what they have.
const ABI_KNOWN: ABI = ABI::V9;

/// How much of it to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// All.
    Strict,
    /// System calls that would be refused are logged by the kernel; files stay reachable.
    Log,
    /// Nothing.
    Off,
}

impl Sandbox {
    /// The words of `SANDBOX`.
    pub const WORDS: [(&'static str, Self); 3] =
        [("strict", Self::Strict), ("log", Self::Log), ("off", Self::Off)];
}

/// Takes the file system away, but for connecting to these sockets. To be called before any
/// other thread is made: threads inherit it.
///
/// # Errors
/// Why there is no such thing here.
pub fn take_files(sockets: &[&Path]) -> Result<&'static str, String> {
    let status = restrict(sockets).map_err(|error| format!("Landlock: {error}"))?;
    match status {
        RulesetStatus::FullyEnforced => Ok("Landlock: no file system, no outgoing TCP"),
        RulesetStatus::PartiallyEnforced => {
            Ok("Landlock: no file system, as far as this kernel supports it")
        }
        RulesetStatus::NotEnforced => Err("Landlock: not supported by this kernel".to_owned()),
    }
}

fn restrict(sockets: &[&Path]) -> Result<RulesetStatus, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI_KNOWN))?
        .handle_access(AccessNet::from_all(ABI_KNOWN))?
        .scope(Scope::from_all(ABI_KNOWN))?
        .create()?;
    // Their directories, since a daemon that starts again makes its socket anew. Kernels that don't
    // govern this right let anybody connect who may open the socket.
    // A link, as /dev/log is one, leads to another directory.
    let real = sockets.iter().filter_map(|socket| fs::canonicalize(socket).ok());
    let places = sockets.iter().map(|socket| socket.to_path_buf()).chain(real);
    for directory in places.filter_map(|place| PathFd::new(place.parent()?).ok()) {
        ruleset = ruleset.add_rule(PathBeneath::new(directory, AccessFs::ResolveUnix))?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Takes away every system call that is not in the table, from all threads.
///
/// # Errors
/// Why there is no such thing here.
pub fn take_calls(sandbox: Sandbox) -> Result<&'static str, String> {
    filter::apply(sandbox == Sandbox::Log).map_err(|error| format!("seccomp: {error}"))?;
    Ok(match sandbox {
        Sandbox::Log => "seccomp: other system calls are logged",
        Sandbox::Strict | Sandbox::Off => "seccomp: allow-list of system calls",
    })
}
